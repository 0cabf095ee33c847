/** Droplets as containers of this machine's Docker, their disks as sparse files with loop devices. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type PluggedVolume, writeTable } from "./attached-volumes.ts";
import {
  backendOf,
  containerAddress,
  containerName,
  createContainer,
  DROPLET_LABEL,
  INSTANCE_LABEL,
  inContainer,
  isRunning,
  killContainer,
  limitContainer,
  removeContainer,
  startContainer,
  stopContainer,
  stoppedDroplets,
} from "./container.ts";
import { dockerDiskIn, makeDockerDisk, mountDockerDisk, removeDockerDisk } from "./docker-disk.ts";
import type { AttachedVolume, DropletDriver, Endpoint } from "./driver.ts";
import { loopDevice, releaseLoopDevices } from "./loop-device.ts";
import { copyDisk, growVolumeDisk, makeVolumeDisk } from "./volume-disk.ts";

export interface DockerDriverArgs {
  stateDir: string;
  /** N of 127.N.1.n. */
  block: number;
  images: {
    /** Image slug → reference on this machine's Docker. */
    droplets: Record<string, string>;
    /** Sparse file with the file system of /var/lib/docker, service images loaded. */
    dockerDisk: string;
  };
  /** Names the containers, so that several rehearsals share a machine. */
  instance: string;
}

/** Seconds a system gets to halt; a hub stops its containers in that time. */
const SHUTDOWN_GRACE_SECONDS = 180;
const WATCH_AGAIN_MS = 2000;
/** The droplet's own service for its volumes. */
const VOLUMES = "/usr/lib/droplet/volumes";
/** What a container's first process ends with when something inside asked for a reboot: killed by SIGHUP. */
const REBOOT_EXIT_CODE = "129";

export function dockerDriver(args: DockerDriverArgs): DropletDriver {
  const { instance, images } = args;
  // The kernel and Docker name files by their real path, also when the state directory is reached by a link.
  let realStateDir: Promise<string> | undefined;
  const stateDir = () => {
    realStateDir ??= realpath(args.stateDir);
    return realStateDir;
  };
  const nameOf = (id: number) => containerName(instance, id);
  const dirOf = async (id: number) => join(await stateDir(), "droplets", String(id));
  const volumeFile = async (id: string) => join(await stateDir(), "volumes", `${id}.img`);
  const snapshotFile = async (id: string) => join(await stateDir(), "snapshots", `${id}.img`);
  const tableDir = async (id: number) => join(await dirOf(id), "attached");
  const listFile = async (id: number) => join(await dirOf(id), "volumes.json");
  const published = new Map<number, Record<string, Endpoint>>();

  /** Volumes that the droplet has now. */
  const attached = async (id: number): Promise<AttachedVolume[]> => {
    try {
      return JSON.parse(await readFile(await listFile(id), "utf8")) as AttachedVolume[];
    } catch {
      return [];
    }
  };

  /** A droplet that runs has seen its volumes: the next boot is not their first. */
  const keepList = async (id: number, volumes: AttachedVolume[], seen: boolean): Promise<void> => {
    const list = seen ? volumes.map((volume) => ({ ...volume, first: false })) : volumes;
    await writeFile(await listFile(id), JSON.stringify(list));
  };

  /** Gives each volume its device on this machine and tells the droplet which one. */
  const plug = async (id: number, volumes: AttachedVolume[]): Promise<void> => {
    const plugged: PluggedVolume[] = [];
    for (const { id: volume, name, first } of volumes) {
      plugged.push({ name, first, device: await loopDevice(await volumeFile(volume)) });
    }
    await writeTable(await tableDir(id), plugged);
  };

  const destroy = async (id: number): Promise<void> => {
    await removeContainer(nameOf(id));
    await removeDockerDisk(dockerDiskIn(await dirOf(id)));
    await rm(await dirOf(id), { recursive: true, force: true });
    published.delete(id);
  };

  return {
    async create(spec) {
      const image = images.droplets[spec.image];
      if (!image) throw new Error(`no droplet image for ${spec.image}`);
      await destroy(spec.id);
      const dir = await dirOf(spec.id);
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const disk = dockerDiskIn(dir);
      await makeDockerDisk(disk, images.dockerDisk);
      await mountDockerDisk(disk);
      await plug(spec.id, []);
      const backends = spec.ports.map((port) => [port, backendOf(spec.address, port)]);
      await writeFile(join(dir, "backends.json"), JSON.stringify(Object.fromEntries(backends)));
      await createContainer({
        instance,
        image,
        spec,
        dockerDir: disk.mountPoint,
        tableDir: await tableDir(spec.id),
      });
    },

    async start(id) {
      if (await isRunning(nameOf(id))) return;
      await mountDockerDisk(dockerDiskIn(await dirOf(id)));
      // Devices may have other numbers than at the last start: the machine was restarted in between.
      const volumes = await attached(id);
      await plug(id, volumes);
      await startContainer(nameOf(id));
      await keepList(id, volumes, true);
    },

    async shutdown(id, graceSeconds = SHUTDOWN_GRACE_SECONDS) {
      if (await isRunning(nameOf(id))) await stopContainer(nameOf(id), graceSeconds);
    },

    powerOff: (id) => killContainer(nameOf(id)),

    resize: (id, to) => limitContainer(nameOf(id), to),

    destroy,

    async setVolumes(id, volumes) {
      const running = await isRunning(nameOf(id));
      const before = await attached(id);
      const gone = before.filter((one) => !volumes.some((other) => other.id === one.id));
      try {
        for (const { id: volume, name } of gone) {
          if (running) await inContainer(nameOf(id), [VOLUMES, "unplug", name]);
          await releaseLoopDevices(await volumeFile(volume));
        }
      } catch (error) {
        await plug(id, before);
        if (running) await inContainer(nameOf(id), [VOLUMES, "plug"]);
        throw error;
      }
      if (before.length === 0 && volumes.length === 0) return;
      await plug(id, volumes);
      if (running) await inContainer(nameOf(id), [VOLUMES, "plug"]);
      await keepList(id, volumes, running);
    },

    async createVolume(volume, fromSnapshot) {
      const snapshot = fromSnapshot && (await snapshotFile(fromSnapshot));
      await makeVolumeDisk(await volumeFile(volume.id), volume, snapshot);
    },

    growVolume: async (id, sizeGib) => growVolumeDisk(await volumeFile(id), sizeGib),

    async removeVolume(id) {
      const file = await volumeFile(id);
      await releaseLoopDevices(file);
      await rm(file, { force: true });
    },

    snapshotVolume: async (volume, snapshot) =>
      copyDisk(await volumeFile(volume), await snapshotFile(snapshot)),

    removeSnapshot: async (snapshot) => rm(await snapshotFile(snapshot), { force: true }),

    async backend(id, port) {
      let backends = published.get(id);
      if (!backends) {
        const file = join(await dirOf(id), "backends.json");
        backends = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Record<
          string,
          Endpoint
        >;
        published.set(id, backends);
      }
      return backends[port] ?? { host: await containerAddress(nameOf(id)), port };
    },

    running: (id) => isRunning(nameOf(id)),

    async console(id) {
      if (!(await isRunning(nameOf(id)))) return "";
      return inContainer(nameOf(id), ["journalctl", "--boot", "--no-pager", "--lines", "200"]);
    },

    watch(onDown) {
      let events: ChildProcess | undefined;
      let again: NodeJS.Timeout | undefined;
      let ended = false;
      const listen = () => {
        events = spawn("docker", ["events", ...deaths(instance)], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        if (events.stdout) {
          createInterface({ input: events.stdout }).on("line", (line) => {
            const [id, exitCode] = line.split(" ");
            onDown(Number(id), exitCode === REBOOT_EXIT_CODE ? "reboot" : "halt");
          });
        }
        events.on("error", () => {});
        // The stream ends when Docker is restarted, and with it every droplet: they start with the machine.
        events.on("close", () => {
          if (ended) return;
          again = setTimeout(async () => {
            listen();
            for (const id of await stoppedDroplets(instance)) onDown(id, "reboot");
          }, WATCH_AGAIN_MS);
        });
      };
      listen();
      return () => {
        ended = true;
        clearTimeout(again);
        events?.kill();
      };
    },
  };
}

function deaths(instance: string): string[] {
  return [
    ...["--filter", "type=container", "--filter", "event=die"],
    ...["--filter", `label=${INSTANCE_LABEL}=${instance}`],
    ...[
      "--format",
      `{{index .Actor.Attributes "${DROPLET_LABEL}"}} {{.Actor.Attributes.exitCode}}`,
    ],
  ];
}

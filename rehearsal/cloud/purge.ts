/** Removes all that a simulated cloud made on this machine, and finds what is left of one. */
import { existsSync } from "node:fs";
import { readdir, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";
import { INSTANCE_LABEL, removeContainer } from "../droplet/container.ts";
import { mountsBelow, unmountBelow } from "../droplet/docker-disk.ts";
import { loopDevicesBelow } from "../droplet/loop-device.ts";
import { redirectsOf, removeRedirect } from "../droplet/port-redirect.ts";
import { ownerOf } from "./owner.ts";
import { SPACES_FOLDER } from "./spaces-server.ts";

export interface InstanceOnDisk {
  instance: string;
  stateDir: string;
}

/** What the cloud keeps in its state directory; other files in it are left alone. */
const OWN_FILES = [
  "cloud.json",
  "cloud.json.next",
  "daemon.json",
  "daemon.json.next",
  "droplets",
  "volumes",
  "snapshots",
  SPACES_FOLDER,
];
const DAEMON_TRIES = 1_200;

/** Ends the daemon, then removes containers, mounts, loop devices and files, volumes with all their data included. */
export async function purge({ instance, stateDir }: InstanceOnDisk): Promise<void> {
  await stopDaemon(stateDir);
  for (const { id } of await containers(instance)) await removeContainer(id);
  if (!existsSync(stateDir)) return;
  const dir = await realpath(stateDir);
  await unmountBelow(dir);
  for (const redirect of await redirectsOf(ownerOf(dir))) await removeRedirect(redirect);
  for (const { device } of await loopDevicesBelow(dir)) {
    await execa("losetup", ["--detach", device], { reject: false });
  }
  for (const name of OWN_FILES) await rm(join(dir, name), { recursive: true, force: true });
  if ((await readdir(dir)).length === 0) await rm(dir, { recursive: true });
}

/** One line for each thing that is still there; nothing after a purge. */
export async function leftovers({ instance, stateDir }: InstanceOnDisk): Promise<string[]> {
  const dir = existsSync(stateDir) ? await realpath(stateDir) : stateDir;
  return [
    ...(await containers(instance)).map(({ name }) => `container ${name}`),
    ...(await networks(instance)).map((name) => `Docker network ${name}`),
    ...(await mountsBelow(dir)).map((target) => `mount ${target}`),
    ...(await loopDevicesBelow(dir)).map(({ device, file }) => `loop device ${device} of ${file}`),
    ...(await redirects(dir)).map(
      ({ address, port, toPort }) => `redirect of ${address}:${port} to port ${toPort}`,
    ),
    ...OWN_FILES.filter((name) => existsSync(join(dir, name))).map(
      (name) => `file ${join(dir, name)}`,
    ),
  ];
}

const redirects = async (dir: string) => (existsSync(dir) ? redirectsOf(ownerOf(dir)) : []);

async function stopDaemon(stateDir: string): Promise<void> {
  const pid = await daemonPid(stateDir);
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  for (let tries = 0; tries < DAEMON_TRIES; tries += 1) {
    if (!(await isDaemon(pid))) return;
    await sleep(100);
  }
  throw new UserError(
    `The simulated DigitalOcean (process ${pid}) does not end.\n  End it: kill -9 ${pid}`,
  );
}

/** The daemon of this directory, if that process is one: a number on disk may be somebody else's by now. */
async function daemonPid(stateDir: string): Promise<number | undefined> {
  try {
    const { pid } = JSON.parse(await readFile(join(stateDir, "daemon.json"), "utf8")) as {
      pid: number;
    };
    return (await isDaemon(pid)) ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function isDaemon(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return command.includes("rehearsal/cloud/main.ts");
}

async function containers(instance: string): Promise<{ id: string; name: string }[]> {
  const lines = await docker([
    ...["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"],
    ...["--filter", `label=${INSTANCE_LABEL}=${instance}`],
  ]);
  return lines.map((line) => {
    const [id = "", name = ""] = line.split(" ");
    return { id, name };
  });
}

const networks = (instance: string) =>
  docker([
    ...["network", "ls", "--format", "{{.Name}}"],
    ...["--filter", `label=${INSTANCE_LABEL}=${instance}`],
  ]);

/** No Docker, no containers. */
async function docker(args: string[]): Promise<string[]> {
  const { stdout, exitCode } = await execa("docker", args, { reject: false });
  return exitCode === 0 ? stdout.split("\n").filter(Boolean) : [];
}

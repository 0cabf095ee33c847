/** A disk image with a prepared /var/lib/docker: filled by the Docker of a droplet, for the Docker of droplets. */
import { mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Log } from "../../scripts/progress.ts";
import { cacheDir, keyOf } from "../../scripts/toolchain/cache.ts";
import { run } from "../../scripts/toolchain/run.ts";
import { dropletRunFlags } from "../droplet/runtime.ts";
import { type Image, loadInto, reference } from "./image.ts";

/** What a droplet's disk may grow to; the file takes only what is written to it. */
const DISK_SIZE_GIB = 40;
const START_TIMEOUT_S = 90;

/** A change to the way a disk is made makes another disk. */
export const diskRecipe = `ext4 ${DISK_SIZE_GIB} GiB, 1`;

/** A disk in the making, with a droplet running on it. */
export interface DockerDisk {
  /** Loads an image from an archive of `docker save`, zstd-compressed, under a public image's name. */
  load(image: Image, archive: string, name: string): Promise<void>;
  /** Pulls a public image from its registry. Throws when that does not work. */
  pull(name: string, log: Log): Promise<void>;
  /** Stops the droplet cleanly and leaves the file complete, as small as its contents. */
  close(log: Log): Promise<void>;
  /** Takes everything down but the file itself, for when it is of no use. */
  abandon(): Promise<void>;
}

// One maker at a time per cache folder, so what an interrupted one left behind has a known name.
const mountPoint = cacheDir("disks", "being-made");
const droplet = `aihub-disk-${keyOf([cacheDir()])}`;

/**
 * Makes the file at `path` and starts a droplet from `dropletImage` on it, which must have Docker inside.
 * Needs root. The caller sees to it that only one disk is made at a time.
 */
export async function openDisk(path: string, dropletImage: string, log: Log): Promise<DockerDisk> {
  await takeDown();
  await writeFile(path, "");
  await truncate(path, DISK_SIZE_GIB * 1024 ** 3);
  // Now, while zeros cost nothing in a sparse file; later the kernel would write them one by one.
  const atOnce = ["-E", "lazy_itable_init=0,lazy_journal_init=0"];
  await run(log, "mkfs.ext4", ["-q", "-F", "-m", "0", "-L", "docker", ...atOnce, path]);
  await mkdir(mountPoint, { recursive: true });
  await run(log, "mount", ["-o", "loop,noatime", path, mountPoint]);
  try {
    await run(log, "docker", [
      ...["run", "--detach", "--name", droplet, "--hostname", "disk"],
      ...(await dropletRunFlags(dropletImage)),
      ...["--volume", `${mountPoint}:/var/lib/docker`, dropletImage],
    ]);
    await untilDockerAnswers();
  } catch (error) {
    await takeDown();
    throw error;
  }
  return {
    async load(image, archive, name) {
      await loadInto(["docker", "exec", "--interactive", droplet, "docker", "load"], archive);
      await inside("docker", "tag", reference(image), name);
      await inside("docker", "rmi", reference(image));
    },
    pull: async (name, pullLog) => {
      await run(pullLog, "docker", ["exec", droplet, "docker", "pull", name]);
    },
    async close(closeLog) {
      await inside("systemctl", "stop", "docker.socket", "docker.service", "containerd.service");
      await run(closeLog, "docker", ["rm", "--force", "--volumes", droplet]);
      // Each droplet's Docker makes a name of its own.
      await rm(join(mountPoint, "engine-id"), { force: true });
      // Only saves room, and not every file system under the cache can give blocks back.
      await execa("fstrim", [mountPoint], { reject: false });
      await run(closeLog, "umount", [mountPoint]);
      await run(closeLog, "e2fsck", ["-fp", path]);
    },
    abandon: takeDown,
  };
}

async function inside(...command: string[]): Promise<void> {
  await execa("docker", ["exec", droplet, ...command]);
}

async function untilDockerAnswers(): Promise<void> {
  for (let second = 0; second < START_TIMEOUT_S; second++) {
    const command = ["exec", droplet, "docker", "info"];
    const { exitCode } = await execa("docker", command, { reject: false });
    if (exitCode === 0) return;
    await sleep(1000);
  }
  const last = ["exec", droplet, "journalctl", "-n", "20", "--no-pager"];
  const { stdout } = await execa("docker", last, { reject: false });
  throw new Error(`Docker does not start inside a droplet on this machine:\n${stdout}`);
}

async function takeDown(): Promise<void> {
  await execa("docker", ["rm", "--force", "--volumes", droplet], { reject: false });
  await execa("umount", [mountPoint], { reject: false });
}

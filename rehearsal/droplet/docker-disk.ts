/** A droplet's /var/lib/docker: its own copy of the prepared disk, mounted on this machine. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

export interface DockerDisk {
  file: string;
  /** Where it is mounted, and what the container binds to /var/lib/docker. */
  mountPoint: string;
}

export function dockerDiskIn(dropletDir: string): DockerDisk {
  return { file: join(dropletDir, "docker.img"), mountPoint: join(dropletDir, "docker") };
}

/** Holes of the prepared disk stay holes: "auto" asks the file system where they are instead of reading everything. */
export async function makeDockerDisk(disk: DockerDisk, prepared: string): Promise<void> {
  await execa("cp", ["--reflink=auto", "--sparse=auto", prepared, disk.file]);
}

/** Mounts it unless it is mounted; a restart of the machine takes mounts away. */
export async function mountDockerDisk(disk: DockerDisk): Promise<void> {
  if ((await mountsBelow(disk.mountPoint)).length > 0) return;
  await mkdir(disk.mountPoint, { recursive: true });
  // Blocks that Docker frees inside are freed in the file as well: it stays as small as its content.
  await execa("mount", ["-o", "loop,discard,noatime", disk.file, disk.mountPoint]);
}

export async function removeDockerDisk(disk: DockerDisk): Promise<void> {
  await unmountBelow(disk.mountPoint);
  await rm(disk.file, { force: true });
}

/** Unmounts all that is mounted at or below a folder of this machine. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const target of (await mountsBelow(folder)).reverse()) {
    // Mounts of a container that has just ended go a moment after it.
    for (let tries = 0; ; tries += 1) {
      const { exitCode } = await execa("umount", tries < 25 ? [target] : ["--lazy", target], {
        reject: false,
      });
      if (exitCode === 0 || tries > 25) break;
      await sleep(200);
    }
  }
}

/** Mount points at or below a folder, outer ones first. */
export async function mountsBelow(folder: string): Promise<string[]> {
  const table = await readFile("/proc/self/mountinfo", "utf8");
  return table
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((target) => target.replace(/\\040/g, " "))
    .filter((target) => target === folder || target.startsWith(`${folder}/`));
}

/** Block volumes as sparse files, formatted the way DigitalOcean formats new ones. */
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";
import type { VolumeSpec } from "./driver.ts";
import { refreshLoopDevices } from "./loop-device.ts";

const GIB = 1024 ** 3;

/** Makes the file appear whole or not at all; keeps one that is there: it may hold somebody's data. */
export async function makeVolumeDisk(
  file: string,
  volume: VolumeSpec,
  snapshot?: string,
): Promise<void> {
  if (existsSync(file)) return;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const unfinished = `${file}.new`;
  await rm(unfinished, { force: true });
  if (snapshot) await copyDisk(snapshot, unfinished);
  await resize(unfinished, volume.sizeGib);
  if (!snapshot && volume.filesystem !== "") await format(unfinished, volume);
  await rename(unfinished, file);
}

export async function growVolumeDisk(file: string, sizeGib: number): Promise<void> {
  if ((await stat(file)).size < sizeGib * GIB) await resize(file, sizeGib);
  await refreshLoopDevices(file);
}

/** Copies a disk as it is at this moment, holes kept as holes. */
export async function copyDisk(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await execa("cp", ["--reflink=auto", "--sparse=auto", from, to]);
}

async function resize(file: string, sizeGib: number): Promise<void> {
  const handle = await open(file, "a", 0o600);
  try {
    await handle.truncate(sizeGib * GIB);
  } finally {
    await handle.close();
  }
}

async function format(file: string, volume: VolumeSpec): Promise<void> {
  const label = volume.label === "" ? [] : ["-L", volume.label];
  const force = volume.filesystem === "ext4" ? "-F" : "-f";
  const program = `mkfs.${volume.filesystem}`;
  try {
    await execa(program, ["-q", force, ...label, file]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const packageName = volume.filesystem === "ext4" ? "e2fsprogs" : "xfsprogs";
    throw new UserError(
      `Volume ${volume.name} cannot be formatted: ${program} is not on this machine.\n` +
        `  Install it: apt-get install ${packageName}`,
    );
  }
}

/** Loop devices of this machine: how a sparse file becomes a disk. */
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";

const RELEASE_TRIES = 50;
const RELEASE_EVERY_MS = 200;

/** The device of this file, such as "/dev/loop3"; made when there is none. */
export async function loopDevice(file: string): Promise<string> {
  const [known] = await devicesOf(file);
  if (known) return known;
  const made = await execa("losetup", ["--find", "--show", file], { reject: false });
  if (made.exitCode === 0) return made.stdout.trim();
  throw new UserError(
    `No loop device for ${file}: ${made.stderr.trim()}\n` +
      "  Simulated disks need loop devices. See which are in use: losetup --list\n" +
      "  In a container, start it with access to /dev/loop-control and /dev/loop*.",
  );
}

/** Gives the file's devices back. Throws when something still has one of them mounted. */
export async function releaseLoopDevices(file: string): Promise<void> {
  for (const device of await devicesOf(file)) {
    await execa("losetup", ["--detach", device], { reject: false });
  }
  // The kernel lets go only when the last mount is gone, and those of a stopped container go a moment later.
  for (let tries = 0; tries < RELEASE_TRIES; tries += 1) {
    if ((await devicesOf(file)).length === 0) return;
    await sleep(RELEASE_EVERY_MS);
  }
  throw new Error(`${file} is still in use as ${(await devicesOf(file)).join(", ")}`);
}

/** Tells the device that its file grew. */
export async function refreshLoopDevices(file: string): Promise<void> {
  for (const device of await devicesOf(file)) await execa("losetup", ["--set-capacity", device]);
}

export interface LoopDevice {
  device: string;
  file: string;
}

/** Loop devices whose files are in this folder, removed files included. */
export async function loopDevicesBelow(folder: string): Promise<LoopDevice[]> {
  const { stdout, exitCode } = await execa(
    "losetup",
    ["--list", "--json", "--output", "NAME,BACK-FILE"],
    { reject: false },
  );
  if (exitCode !== 0 || stdout.trim() === "") return [];
  const listed = JSON.parse(stdout) as {
    loopdevices: { name: string; "back-file": string | null }[];
  };
  return listed.loopdevices
    .map((one) => ({ device: one.name, file: one["back-file"] ?? "" }))
    .filter(({ file }) => file.startsWith(`${folder}/`));
}

async function devicesOf(file: string): Promise<string[]> {
  const { stdout } = await execa("losetup", ["--associated", file, "--noheadings", "-O", "NAME"], {
    reject: false,
  });
  return stdout.split("\n").filter(Boolean);
}

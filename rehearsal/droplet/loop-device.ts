/** Loop devices of this machine: how a sparse file becomes a disk. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
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

/** Gives the file's devices back. Throws, and leaves them, when something still has one of them mounted. */
export async function releaseLoopDevices(file: string): Promise<void> {
  for (const device of await devicesOf(file)) {
    // Mounts of a stopped container go a moment after it.
    for (let tries = 0; await isMounted(device); tries += 1) {
      if (tries >= RELEASE_TRIES) throw new Error(`${file} is still mounted as ${device}`);
      await sleep(RELEASE_EVERY_MS);
    }
    await execa("losetup", ["--detach", device], { reject: false });
  }
}

/** The kernel lets a disk be opened exclusively only while nobody, in whatever namespace, has it mounted. */
async function isMounted(device: string): Promise<boolean> {
  try {
    const handle = await open(device, constants.O_RDWR | constants.O_EXCL);
    await handle.close();
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return true;
    throw error;
  }
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

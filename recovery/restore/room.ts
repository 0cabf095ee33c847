/** Room on the disk for what a restore writes. */
import { statfs } from "node:fs/promises";
import { UserError } from "../../hub/user-error.ts";
import { DATA } from "../place.ts";

/** What file systems give at a time. */
const BLOCK = 4096;

/** Bytes that a file of this size takes on the disk. */
export function onDisk(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** @param what needs it, for the message @throws UserError when it is not there */
export async function requireRoom(bytes: number, what: string, folder = DATA): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new UserError(
    `${what} needs ${mib(bytes)}, and ${folder} has ${mib(bavail * bsize)} free; nothing was changed.\n  fix: npm run hub -- config set volumeSizeGib with more, then npm start`,
  );
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}

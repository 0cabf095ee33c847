/** Replaces a file in one step: readers see the old content or the new, also after a power cut. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, rename, unlink } from "node:fs/promises";
import { failedWith, ToolError } from "./tool-error.ts";
import type { Place } from "./workspace.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, O_RDONLY, O_DIRECTORY } = constants;

/**
 * Writes `content` at `place`, keeping mode and owner of a file that is there. The caller holds the path's lock.
 * Returns whether the file is new. Throws ToolError when something other than a file is there.
 */
export async function writeAtomically(
  place: Place,
  content: Uint8Array,
): Promise<{ created: boolean }> {
  const old = await lstat(place.entry).catch((error) => {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  });
  if (old && !old.isFile()) {
    throw new ToolError(
      `"${place.path}" is ${old.isDirectory() ? "a directory" : "not a regular file"}, so no content can be written there.`,
    );
  }
  const temporary = place.directory.entry(`.${randomBytes(9).toString("base64url")}.writing`);
  const file = await open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o666);
  try {
    try {
      await file.writeFile(content);
      if (old) {
        const own = await file.stat();
        if (own.uid !== old.uid || own.gid !== old.gid) {
          // Without the right to give files away the content still counts more than its owner.
          await file.chown(old.uid, old.gid).catch(() => {});
        }
        await file.chmod(old.mode & 0o7777);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, place.entry);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncDirectory(place.directory.entry("."));
  return { created: old === undefined };
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, O_RDONLY | O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

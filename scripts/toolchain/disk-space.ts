import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "../../hub/user-error.ts";

const GIB = 1024 ** 3;

/**
 * Checks that each of the folders (or the nearest one above it that exists) has that many GiB free.
 * Throws a UserError that names the first one that has not.
 */
export async function requireDiskSpace(folders: readonly string[], gib: number): Promise<void> {
  for (const folder of folders) {
    let existing = folder;
    while (!existsSync(existing)) existing = dirname(existing);
    const { bavail, bsize } = await statfs(existing);
    const free = (bavail * bsize) / GIB;
    if (free < gib) {
      throw new UserError(
        `Only ${free.toFixed(1)} GiB are free where ${folder} lives; the rehearsal needs ${gib} GiB there.\n` +
          "  fix: free space there, or set XDG_CACHE_HOME to a folder on a larger disk " +
          "(and data-root in /etc/docker/daemon.json for Docker's part)",
      );
    }
  }
}

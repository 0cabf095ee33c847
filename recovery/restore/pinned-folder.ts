/**
 * A folder below the workspace, held open part by part without following a link: people and programs change the workspace
 * meanwhile, and what root moves must not end up where one of them leads.
 */
import { constants, type FileHandle, open } from "node:fs/promises";
import { UserError } from "../../hub/user-error.ts";

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * `work` gets a path for the open folder, good as long as it runs.
 * @throws UserError when a part of the path is a link or no folder; the system's error ENOENT when one is missing
 */
export async function inPinnedFolder<T>(
  root: string,
  parts: readonly string[],
  work: (folder: string) => Promise<T>,
): Promise<T> {
  let handle: FileHandle = await open(root, FLAGS);
  try {
    for (const [index, part] of parts.entries()) {
      const next = await open(`/proc/self/fd/${handle.fd}/${part}`, FLAGS).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === "ELOOP" || error.code === "ENOTDIR") {
            throw new UserError(
              `${parts.slice(0, index + 1).join("/")} is a link or a file, and nothing is put behind one.\n  fix: move it away first, or restore look shows the files elsewhere`,
            );
          }
          throw error;
        },
      );
      await handle.close();
      handle = next;
    }
    return await work(`/proc/self/fd/${handle.fd}`);
  } finally {
    await handle.close();
  }
}

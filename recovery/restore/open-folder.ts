/** Makes the folders on the way to a place in the workspace that are missing, as the workspace's owner has them. */
import { chown, lstat, mkdir } from "node:fs/promises";
import { inPinnedFolder } from "./pinned-folder.ts";

export async function openFolder(root: string, parts: readonly string[]): Promise<void> {
  const { uid, gid } = await lstat(root);
  for (const [index, part] of parts.entries()) {
    await inPinnedFolder(root, parts.slice(0, index), async (folder) => {
      try {
        await mkdir(`${folder}/${part}`, { mode: 0o755 });
        await chown(`${folder}/${part}`, uid, gid);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    });
  }
}

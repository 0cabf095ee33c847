import { lstat, rmdir, unlink } from "node:fs/promises";
import { z } from "zod";
import { tool } from "../tool.ts";
import { explain, failedWith, ToolError } from "../tool-error.ts";
import type { PinnedDirectory, Workspace } from "../workspace.ts";
import { pathArgument } from "./path-argument.ts";

export const deleteFile = tool({
  name: "delete_file",
  title: "Delete",
  description:
    "Deletes a file, a link (not what it leads to) or an empty directory; with recursive a directory and all that is in it. There is no undo.",
  input: z.strictObject({
    path: pathArgument,
    recursive: z.boolean().default(false).describe("Delete a directory with all that is in it."),
  }),
  output: z.object({
    path: z.string(),
    deleted: z.int().describe("Number of files and directories that are gone."),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  run: (workspace, { path, recursive }, signal) =>
    workspace.changePlaces([path], () =>
      workspace.withPlace(path, async ({ directory, name, path: shown, entry }) => {
        const stats = await lstat(entry).catch((error) => {
          throw explain(error, shown) ?? error;
        });
        if (!stats.isDirectory()) {
          await unlink(entry);
          return { structured: { path: shown, deleted: 1 } };
        }
        if (recursive) {
          return {
            structured: {
              path: shown,
              deleted: await deleteTree(workspace, directory, name, signal),
            },
          };
        }
        await rmdir(entry).catch((error) => {
          if (!failedWith(error, "ENOTEMPTY", "EEXIST")) throw error;
          throw new ToolError(
            `"${shown}" is a directory that is not empty. Set recursive to delete all that is in it.`,
          );
        });
        return { structured: { path: shown, deleted: 1 } };
      }),
    ),
});

/** Goes through pinned directories only, so a link swapped in meanwhile is deleted, never followed. */
async function deleteTree(
  workspace: Workspace,
  parent: PinnedDirectory,
  name: string,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 1;
  await workspace.withEntry(parent, name, async (directory) => {
    for (const entry of await workspace.entries(directory)) {
      signal.throwIfAborted();
      if (entry.isDirectory()) {
        deleted += await deleteTree(workspace, directory, entry.name, signal);
      } else {
        await unlink(directory.entry(entry.name));
        deleted++;
      }
    }
  });
  await rmdir(parent.entry(name));
  return deleted;
}

import type { Dirent } from "node:fs";
import { lstat } from "node:fs/promises";
import { z } from "zod";
import { limits } from "../limits.ts";
import { tool } from "../tool.ts";
import { pathArgument } from "./path-argument.ts";

const type = z.enum(["file", "directory", "link", "other"]);

export const listDirectory = tool({
  name: "list_directory",
  title: "List a directory",
  description:
    "Lists the entries of one directory in the order of their names, with type, size in bytes and time of the last change. For files anywhere below a directory use search_files.",
  input: z.strictObject({
    path: pathArgument.default("."),
    offset: z.int().min(0).default(0).describe("Entries to skip: nextOffset of the answer before."),
    limit: z.int().min(1).max(limits.listEntries).default(200),
  }),
  output: z.object({
    path: z.string(),
    entries: z.array(
      z.object({ name: z.string(), type, size: z.int().optional(), modified: z.string() }),
    ),
    total: z.int(),
    nextOffset: z.int().optional(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run: (workspace, { path, offset, limit }) =>
    workspace.withDirectory(path, async (directory) => {
      const all = await workspace.entries(directory);
      const shown = await Promise.all(
        all.slice(offset, offset + limit).map(async (entry) => {
          const stats = await lstat(directory.entry(entry.name)).catch(() => undefined);
          return (
            stats && {
              name: entry.name,
              type: typeOf(entry),
              ...(entry.isFile() ? { size: stats.size } : {}),
              modified: stats.mtime.toISOString(),
            }
          );
        }),
      );
      return {
        structured: {
          path: directory.path,
          // An entry deleted since the directory was read is left out.
          entries: shown.filter((entry) => entry !== undefined),
          total: all.length,
          ...(offset + limit < all.length ? { nextOffset: offset + limit } : {}),
        },
      };
    }),
});

function typeOf(entry: Dirent): z.infer<typeof type> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "link" : "other";
}

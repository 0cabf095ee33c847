import { lstat, readlink } from "node:fs/promises";
import { z } from "zod";
import { tool } from "../tool.ts";
import { explain } from "../tool-error.ts";
import type { Workspace } from "../workspace.ts";
import { pathArgument } from "./path-argument.ts";

export const fileInfo = tool({
  name: "file_info",
  title: "About a file",
  description:
    "Type, size in bytes, permissions and times of a file, directory or link (the link itself).",
  input: z.strictObject({ path: pathArgument }),
  output: z.object({
    path: z.string(),
    type: z.enum(["file", "directory", "link", "other"]),
    size: z.int(),
    mode: z.string().describe("Octal permission bits."),
    modified: z.string(),
    created: z.string(),
    target: z.string().optional().describe("What a link says."),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run: async (workspace, { path }) => ({ structured: await describe(workspace, path) }),
});

async function describe(workspace: Workspace, path: string) {
  if (workspace.normalize(path) === ".") {
    return workspace.withDirectory(path, async (directory) => about(".", directory.entry(".")));
  }
  return workspace.withPlace(path, async (place) => about(place.path, place.entry));
}

async function about(path: string, entry: string) {
  const stats = await lstat(entry).catch((error) => {
    throw explain(error, path) ?? error;
  });
  const type = stats.isFile()
    ? ("file" as const)
    : stats.isDirectory()
      ? ("directory" as const)
      : stats.isSymbolicLink()
        ? ("link" as const)
        : ("other" as const);
  return {
    path,
    type,
    size: stats.size,
    mode: (stats.mode & 0o7777).toString(8).padStart(4, "0"),
    modified: stats.mtime.toISOString(),
    created: stats.birthtime.toISOString(),
    ...(type === "link" ? { target: await readlink(entry) } : {}),
  };
}

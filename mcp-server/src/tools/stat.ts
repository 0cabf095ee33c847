import { lstatSync, type Stats } from "node:fs";
import { z } from "zod";
import { mediaTypeOf } from "../protocol/media-type.ts";
import { splitPath } from "../workspace/paths.ts";
import { atPlace, pathArgument, projectArgument } from "./place.ts";
import { type CallContext, tool } from "./tool.ts";
import { failedWith, ToolError } from "./tool-error.ts";

const kinds = ["file", "folder", "link", "special"] as const;

export const statTool = tool({
  name: "stat",
  title: "Look at one entry",
  description:
    "Kind, size, permissions, time and etag of a file or folder. Links are not followed.",
  scope: "read",
  input: z.strictObject({ project: projectArgument, path: pathArgument }),
  output: z.object({
    kind: z.enum(kinds),
    size: z.int().optional(),
    mode: z.string(),
    modified: z.string(),
    etag: z.string().optional(),
    mime: z.string().optional(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run: (context, { project, path }) =>
    atPlace(context, project, path, (place) => {
      const { directory, name } = splitPath(place);
      using pinned = context.workspace.files.directory(directory);
      const stats = lstatSync(pinned.entry(name));
      const kind = kindOf(stats);
      const mime = mediaTypeOf(name);
      return {
        structured: {
          kind,
          // The one of a folder says nothing of what is in it.
          ...(kind === "folder" ? {} : { size: stats.size }),
          mode: (stats.mode & 0o7777).toString(8).padStart(4, "0"),
          modified: stats.mtime.toISOString(),
          ...(kind === "file" ? etagOf(context, place) : {}),
          ...(kind === "file" && mime !== undefined ? { mime } : {}),
        },
      };
    }),
});

function kindOf(stats: Stats): (typeof kinds)[number] {
  if (stats.isDirectory()) return "folder";
  if (stats.isSymbolicLink()) return "link";
  return stats.isFile() ? "file" : "special";
}

/** None of a file that cannot be read, about which the rest can be told all the same. */
function etagOf({ workspace }: CallContext, place: string): { etag?: string } {
  try {
    return { etag: workspace.etag(place) };
  } catch (error) {
    if (error instanceof ToolError || failedWith(error, "EACCES", "EPERM")) return {};
    throw error;
  }
}

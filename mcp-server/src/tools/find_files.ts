import { z } from "zod";
import { limits } from "../limits.ts";
import {
  cursorArgument,
  entriesSeen,
  goOn,
  ignoredArgument,
  limitArgument,
  nothing,
} from "./paging.ts";
import { folderArgument, pathIn, projectArgument } from "./place.ts";
import { tool } from "./tool.ts";

export const findFiles = tool({
  name: "find_files",
  title: "Find files by name",
  description:
    "Paths below a folder that match a glob; without a slash it is matched against names, else against paths from that folder.",
  scope: "read",
  input: z.strictObject({
    project: projectArgument,
    path: folderArgument,
    glob: z.string().min(1).max(500).describe('Such as "*.ts" or "src/**/*.{js,css}".'),
    kind: z.enum(["file", "folder", "any"]).default("file"),
    include_ignored: ignoredArgument,
    limit: limitArgument(limits.entries, 200),
    cursor: cursorArgument,
  }),
  output: z.object({ found: z.int(), next_cursor: z.string().optional() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async run(context, { project, path, glob, kind, include_ignored, limit, cursor }) {
    const folder = pathIn(context, project, path);
    const { paths, leftOut, next_cursor } = await context.walks.find(
      { project, path: folder, glob, kind, includeIgnored: include_ignored, limit, cursor },
      context.signal,
      entriesSeen(context),
    );
    return {
      content: [
        { type: "text", text: paths.join("\n") || nothing("nothing found", leftOut) },
        ...goOn(next_cursor, `${paths.length} so far`),
      ],
      structured: {
        found: paths.length,
        ...(next_cursor === undefined ? {} : { next_cursor }),
      },
    };
  },
});

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

export const tree = tool({
  name: "tree",
  title: "Show the tree of a folder",
  description: "Everything below a folder, a line each, deeper ones further to the right.",
  scope: "read",
  input: z.strictObject({
    project: projectArgument,
    path: folderArgument,
    depth: z.int().min(1).optional().describe("Levels shown; default all."),
    include_ignored: ignoredArgument,
    limit: limitArgument(limits.entries, 1000),
    cursor: cursorArgument,
  }),
  output: z.object({ entries: z.int(), next_cursor: z.string().optional() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async run(context, { project, path, depth, include_ignored, limit, cursor }) {
    const folder = pathIn(context, project, path);
    const { text, entries, leftOut, next_cursor } = await context.walks.tree(
      { project, path: folder, depth, includeIgnored: include_ignored, limit, cursor },
      context.signal,
      entriesSeen(context),
    );
    return {
      content: [
        { type: "text", text: text || nothing("no entries", leftOut) },
        ...goOn(next_cursor, `${entries} entries so far`),
      ],
      structured: { entries, ...(next_cursor === undefined ? {} : { next_cursor }) },
    };
  },
});

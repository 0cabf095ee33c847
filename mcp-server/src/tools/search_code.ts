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

export const searchCode = tool({
  name: "search_code",
  title: "Search in files",
  description:
    'Lines that hold a text or match a regular expression, below each file\'s path as "number:line" ("number-line": context). Binary files are passed over.',
  scope: "read",
  input: z.strictObject({
    project: projectArgument,
    path: folderArgument.describe("Folder or file."),
    query: z.string().min(1).max(2000),
    regex: z.boolean().default(false).describe("query is a JavaScript regular expression."),
    ignore_case: z.boolean().default(false),
    glob: z.string().min(1).max(500).optional().describe('Only files such as "*.ts".'),
    context: z.int().min(0).max(20).default(0).describe("Lines before and after."),
    include_ignored: ignoredArgument,
    limit: limitArgument(limits.searchMatches, 100),
    cursor: cursorArgument,
  }),
  output: z.object({
    matches: z.int(),
    files: z.int(),
    searched: z.int(),
    too_large: z.int().optional(),
    next_cursor: z.string().optional(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async run(context, { ignore_case, include_ignored, ...query }) {
    const path = pathIn(context, query.project, query.path);
    const found = await context.walks.search(
      { ...query, path, ignoreCase: ignore_case, includeIgnored: include_ignored },
      context.signal,
      entriesSeen(context),
    );
    const { text, matches, files, searched, tooLarge, leftOut, next_cursor } = found;
    const passedOver = tooLarge > 0 ? `; ${tooLarge} files too large to be searched` : "";
    return {
      content: [
        { type: "text", text: text || nothing(`nothing found${passedOver}`, leftOut) },
        ...goOn(next_cursor, `${matches} matches in ${searched} files so far`),
      ],
      structured: {
        matches,
        files,
        searched,
        ...(tooLarge === 0 ? {} : { too_large: tooLarge }),
        ...(next_cursor === undefined ? {} : { next_cursor }),
      },
    };
  },
});

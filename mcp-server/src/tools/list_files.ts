import { fstatSync } from "node:fs";
import { z } from "zod";
import { limits } from "../limits.ts";
import { type Listed, list } from "../search/list.ts";
import { openFolder } from "../search/walk.ts";
import { cursorArgument, goOn, limitArgument } from "./paging.ts";
import { folderArgument, placeOf, projectArgument } from "./place.ts";
import { type ToolAnswer, tool } from "./tool.ts";

const output = z.object({
  entries: z.int(),
  total: z.int(),
  next_cursor: z.string().optional(),
});

export const listFiles = tool({
  name: "list_files",
  title: "List a folder",
  description:
    "Entries of one folder, a line each, folders with a slash. details adds size and time.",
  scope: "read",
  input: z.strictObject({
    project: projectArgument,
    path: folderArgument,
    details: z.boolean().default(false),
    limit: limitArgument(limits.entries, 1000),
    cursor: cursorArgument,
  }),
  output,
  annotations: { readOnlyHint: true, openWorldHint: false },
  run(context, { project, path, details, limit, cursor }) {
    const { workspace, walks, signal } = context;
    const folder = placeOf(context, project, path);
    const query = { folder, details, limit, cursor };
    return isLarge(context.workspace.files, folder)
      ? walks.list(query, signal).then(answer)
      : answer(list(workspace.files, query));
  },
});

function isLarge(files: Parameters<typeof openFolder>[0], path: string): boolean {
  using folder = openFolder(files, path);
  return fstatSync(folder.fd).size > limits.listedAtOnce;
}

function answer({ text, entries, total, next_cursor }: Listed): ToolAnswer<z.infer<typeof output>> {
  return {
    content: [
      { type: "text", text: text || "[no entries]" },
      ...goOn(next_cursor, `${entries} of ${total} entries`),
    ],
    structured: { entries, total, ...(next_cursor === undefined ? {} : { next_cursor }) },
  };
}

import { z } from "zod";
import type { Version } from "../history/version.ts";
import { isWithin, resolvePath } from "../workspace/paths.ts";
import { chatArgument, chatOf } from "./chat.ts";
import { cursorArgument, goOn, limitArgument } from "./paging.ts";
import { folderArgument, projectArgument } from "./place.ts";
import { type CallContext, tool } from "./tool.ts";
import { failedWith, ToolError } from "./tool-error.ts";
import { mayReach } from "./versions.ts";

export const historyTool = tool({
  name: "history",
  title: "History",
  description:
    'Versions of a file, also a deleted one; or what changed in a folder, default the whole project; or what a chat changed there (chat: id or "current"). Newest first: version, time, tool, who.',
  scope: "read",
  input: z.strictObject({
    project: projectArgument,
    path: folderArgument,
    chat: chatArgument,
    limit: limitArgument(200, 50),
    cursor: cursorArgument,
  }),
  output: z.object({ count: z.int(), next_cursor: z.string().optional() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run(context, { project, path, chat, limit, cursor }) {
    // What is gone has a history too, so nothing has to be there any more.
    const place = resolvePath(project, path);
    const page = { limit, ...(cursor === undefined ? {} : { before: cursor }) };
    const { history } = context.workspace;
    const noFolder = chat === undefined && place !== project && !isFolder(context, place);
    const gone = noFolder && history.wasFolder(place);
    const ofFile = noFolder && !gone;
    const { versions, next } = ofFile
      ? history.of(place, page)
      : history.recent({
          ...(place === "." ? {} : { project: place }),
          gone,
          ...(chat === undefined ? {} : { chat: chatOf(context, chat) }),
          ...page,
        });
    const shown = versions.filter((one) => mayReach(context, one.path));
    if (shown.length === 0 && cursor === undefined)
      context.workspace.requireProject(project, context.caller);
    const text = shown.map((one) => line(context, one, project, ofFile)).join("\n");
    return {
      content: [
        { type: "text", text: text || "[nothing recorded]" },
        ...goOn(next, `${shown.length} shown`),
      ],
      structured: { count: shown.length, ...(next === undefined ? {} : { next_cursor: next }) },
    };
  },
});

function isFolder({ workspace }: CallContext, place: string): boolean {
  try {
    using _there = workspace.files.directory(place);
    return true;
  } catch (error) {
    if (error instanceof ToolError || failedWith(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

/** Paths are shown as the other tools take them. */
function line(context: CallContext, one: Version, project: string, ofFile: boolean): string {
  const named = (path: string) =>
    project !== "." && path !== project && isWithin(path, project)
      ? path.slice(project.length + 1)
      : path;
  const from =
    one.from === undefined
      ? ""
      : ` from ${mayReach(context, one.from) ? named(one.from) : "another project"}`;
  const hasContent = one.op === "write" || one.op === "outside";
  return [
    one.version,
    one.time,
    one.op === "outside" ? "outside this server" : `${one.tool} (${one.op}${from})`,
    named(one.path),
    one.user ?? one.token ?? "",
    one.chat === undefined ? "" : `chat ${one.chat}`,
    one.reason === undefined ? "" : `"${one.reason}"`,
    one.size === undefined ? "" : `${one.size} bytes`,
    // Only of one file it is known what is still in it.
    ofFile && hasContent && !one.available ? "[content not kept]" : "",
  ]
    .filter(Boolean)
    .join("  ");
}

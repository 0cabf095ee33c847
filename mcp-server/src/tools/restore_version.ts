import { z } from "zod";
import type { Change } from "../workspace/change.ts";
import { resolvePath } from "../workspace/paths.ts";
import { chatArgument, chatOf } from "./chat.ts";
import { projectArgument, reasonArgument } from "./place.ts";
import { type CallContext, tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";
import { checkUndoable, versionContent } from "./versions.ts";

const input = z.strictObject({
  project: projectArgument,
  path: z.string().optional(),
  version: z.string().optional(),
  change: z.string().optional(),
  chat: chatArgument,
  dry_run: z.boolean().default(false),
  reason: reasonArgument,
});
/** Paths that are named in the answer. */
const MOST_NAMED = 100;

export const restoreVersion = tool({
  name: "restore_version",
  title: "Restore or undo",
  description:
    'Gives a file (path) an earlier version from history; or undoes one change (change), also a delete; or everything a chat did (chat: id or "current"). All or nothing, and undoable itself.',
  scope: "write",
  input,
  output: z.object({ count: z.int(), change: z.string().optional() }),
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
  async run(context, args) {
    const author = { tool: "restore_version", caller: context.caller, reason: args.reason };
    const { result: paths, id } = await context.workspace.change(
      author,
      "all",
      planOf(context, args),
      { dryRun: args.dry_run },
    );
    const done = args.dry_run ? "would restore" : id === undefined ? "nothing to do" : "restored";
    const named = paths.slice(0, MOST_NAMED).join(", ");
    const more = paths.length - MOST_NAMED;
    return {
      structured: { count: paths.length, ...(id === undefined ? {} : { change: id }) },
      content: [{ type: "text", text: `${done}: ${named}${more > 0 ? ` and ${more} more` : ""}` }],
    };
  },
});

/** Returns what stages the change and says which paths it touches. */
function planOf(
  context: CallContext,
  { project, path, version, change: id, chat }: z.infer<typeof input>,
): (change: Change) => string[] {
  if ([path ?? version, id, chat].filter((one) => one !== undefined).length !== 1)
    throw new ToolError("Give either path and version, or change, or chat.");
  if (id !== undefined || chat !== undefined) {
    const what = id === undefined ? { chat: chatOf(context, chat as string) } : { change: id };
    return (change) => {
      checkUndoable(context, what);
      const { paths } = context.workspace.undo.stage(change, what);
      checkScope(context, change);
      return paths;
    };
  }
  if (path === undefined || version === undefined)
    throw new ToolError("Give both path and version; history shows the versions.");
  const place = resolvePath(project, path);
  return (change) => {
    const { bytes, mode } = versionContent(context, place, version);
    change.write(place, bytes, { parents: true, ...(mode === undefined ? {} : { mode }) });
    return [place];
  };
}

/** Taking back that something was made deletes it, for which a token needs the same right as for the tool. */
function checkScope({ caller }: CallContext, change: Change): void {
  if (caller.scopes.has("delete")) return;
  const gone = change.steps.find(
    ({ op, path }) => op === "delete" && change.kind(path) === "absent",
  );
  if (gone) {
    throw new ToolError(
      `That would delete "${gone.path}", and token "${caller.token}" may not delete. Nothing was undone. Restore single files by path and version.`,
    );
  }
}

/**
 * What a caller may see and undo of the history. A file may have been in a project that his token does not reach, and a
 * change may have touched several projects.
 */
import type { Version } from "../history/history.ts";
import { projectOf } from "../workspace/paths.ts";
import type { CallContext } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

const PAGE = 200;

/** Whether the caller's token reaches the project that a workspace-relative path is in. */
export function mayReach({ caller: { projects } }: CallContext, path: string): boolean {
  return projects === "all" || projects.includes(projectOf(path));
}

/** Content of a version. Throws ToolError when there is no such version that the caller may see, or it is no longer kept. */
export function versionContent(context: CallContext, path: string, version: string): Buffer {
  const { history } = context.workspace;
  if (context.caller.projects !== "all") {
    for (const one of all((page) => history.of(path, page))) {
      if (one.version !== version) continue;
      if (mayReach(context, one.path)) break;
      throw new ToolError(
        `Version ${version} of "${path}" is from another project, which token "${context.caller.token}" does not reach.`,
      );
    }
  }
  return history.content(path, version).bytes;
}

/** Throws ToolError when what is to be undone touched a project that the caller's token does not reach. */
export function checkUndoable(
  context: CallContext,
  what: { change: string } | { chat: string },
): void {
  if (context.caller.projects === "all") return;
  for (const { path, from } of doings(context, what)) {
    if (mayReach(context, path) && (from === undefined || mayReach(context, from))) continue;
    throw new ToolError(
      `Nothing was undone: it also touched a project that token "${context.caller.token}" does not reach. Restore single files by path and version.`,
    );
  }
}

function* doings(
  { workspace: { history } }: CallContext,
  what: { change: string } | { chat: string },
): Generator<Version> {
  if ("chat" in what) {
    yield* all((page) => history.recent({ chat: what.chat, ...page }));
    return;
  }
  const { change } = what;
  if (!/^\d{1,15}$/.test(change)) return;
  const after = `${Number(change) + 1}.0`;
  for (const one of all((page) => history.recent({ before: after, ...page }))) {
    if (one.change !== String(Number(change))) return;
    yield one;
  }
}

/** Page after page. */
function* all(
  page: (options: { before?: string; limit: number }) => { versions: Version[]; next?: string },
): Generator<Version> {
  let options: { before?: string; limit: number } | undefined = { limit: PAGE };
  while (options) {
    const { versions, next } = page(options);
    yield* versions;
    options = next === undefined ? undefined : { before: next, limit: PAGE };
  }
}

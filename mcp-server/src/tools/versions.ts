/**
 * What a caller may see and undo of the history. A file may have been in a project that his token does not reach, and a
 * change may have touched several projects.
 */
import { projectOf } from "../workspace/paths.ts";
import type { CallContext } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

/** Whether the caller's token reaches the project that a workspace-relative path is in. */
export function mayReach({ caller: { projects } }: CallContext, path: string): boolean {
  return projects === "all" || projects.includes(projectOf(path));
}

/** Content of a version. Throws ToolError when there is no such version that the caller may see, or it is no longer kept. */
export function versionContent(
  context: CallContext,
  path: string,
  version: string,
): { bytes: Buffer; mode?: number } {
  const { history } = context.workspace;
  if (context.caller.projects !== "all") {
    const found = history.version(path, version);
    if (found && !mayReach(context, found.path)) {
      throw new ToolError(
        `Version ${version} of "${path}" is from another project, which token "${context.caller.token}" does not reach.`,
      );
    }
  }
  return history.content(path, version);
}

/** Throws ToolError when what is to be undone touched a project that the caller's token does not reach. */
export function checkUndoable(
  context: CallContext,
  what: { change: string } | { chat: string },
): void {
  if (context.caller.projects === "all") return;
  for (const path of context.workspace.history.touched(what)) {
    if (mayReach(context, path)) continue;
    throw new ToolError(
      `Nothing was undone: it also touched a project that token "${context.caller.token}" does not reach. Restore single files by path and version.`,
    );
  }
}

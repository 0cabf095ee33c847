/** Where a call works: the arguments that name it, and what is said when nothing is there. */
import { z } from "zod";
import { pathFrom, resolvePath } from "../workspace/paths.ts";
import type { CallContext } from "./tool.ts";
import { failedWith } from "./tool-error.ts";

/** Name of a folder directly in the workspace; "." is the workspace itself. */
export const projectArgument = z.string();
/** Relative to the project. */
export const pathArgument = z.string();
/** A folder of the project; default the whole project. */
export const folderArgument = z.string().default(".");
/** Why something is changed, for the history. */
export const reasonArgument = z.string().max(500).optional();

/** The workspace-relative path. Throws ToolError when there is no such project, or the path cannot be one. */
export function placeOf(context: CallContext, project: string, path: string): string {
  const place = resolvePath(project, path);
  context.workspace.requireProject(project, context.caller);
  return place;
}

/** The path in the project, without what a path can be spelled with needlessly. Throws as `placeOf` does. */
export function pathIn(context: CallContext, project: string, path: string): string {
  return pathFrom(project, placeOf(context, project, path));
}

/** Runs `use` on the workspace-relative path. When nothing is there, a missing project is what is told. */
export function atPlace<T>(
  context: CallContext,
  project: string,
  path: string,
  use: (place: string) => T,
): T {
  const place = resolvePath(project, path);
  try {
    return use(place);
  } catch (error) {
    if (failedWith(error, "ENOENT", "ENOTDIR"))
      context.workspace.requireProject(project, context.caller);
    throw error;
  }
}

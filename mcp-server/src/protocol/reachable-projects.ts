/** The projects that a caller may see. */
import type { Caller } from "../access/caller.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** Names of those that exist, sorted; none for a caller who may not read. */
export function reachableProjects(workspace: Workspace, caller: Caller): string[] {
  if (!caller.scopes.has("read")) return [];
  const { projects } = caller;
  const existing = workspace.projects();
  return projects === "all" ? existing : existing.filter((name) => projects.includes(name));
}

/** Whether the caller may read in a project. */
export function mayRead(caller: Caller, project: string): boolean {
  const { projects, scopes } = caller;
  return scopes.has("read") && (projects === "all" || projects.includes(project));
}

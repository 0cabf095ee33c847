/** What a caller's token allows: calling a tool at all, and the projects that a call's arguments name. */
import { z } from "zod";
import type { Caller } from "../access/caller.ts";
import type { Tool } from "../tools/tool.ts";
import { isRecord } from "./is-record.ts";

/** Why the caller's token does not allow the tool, whatever the arguments; undefined: it does. */
export function toolRefusal(caller: Caller, tool: Tool): string | undefined {
  if (!caller.scopes.has(tool.scope)) {
    const has = [...caller.scopes].join(", ") || "nothing";
    return `Token "${caller.token}" may not ${tool.scope}: it has ${has}. ${tool.name} needs a token with the scope "${tool.scope}".`;
  }
  if (tool.beyondProjects && caller.projects !== "all") {
    return `Token "${caller.token}" reaches single projects only. ${tool.name} works on what belongs to no project, and needs a token for all projects.`;
  }
  return undefined;
}

/** Why the caller's token does not allow the call: the first project in the arguments that it does not reach; undefined: it does. */
export function projectRefusal(caller: Caller, tool: Tool, input: unknown): string | undefined {
  const { token, projects } = caller;
  if (projects === "all") return undefined;
  for (const project of projectsNamed(tool, input as Record<string, unknown>)) {
    if (projects.includes(project)) continue;
    const reached = projects.join(", ") || "none";
    return project === "."
      ? `Token "${token}" does not reach the workspace's root; it reaches the projects ${reached}.`
      : `Token "${token}" does not reach project "${project}"; it reaches: ${reached}.`;
  }
  return undefined;
}

function* projectsNamed(tool: Tool, input: Record<string, unknown>): Iterable<string> {
  for (const key of ["project", "to_project"]) {
    if (typeof input[key] === "string") yield input[key];
  }
  for (const key of listsOfPlaces(tool)) {
    for (const place of (input[key] as Record<string, unknown>[] | undefined) ?? []) {
      yield* projectsNamed(tool, place);
    }
  }
}

const placeLists = new WeakMap<Tool, string[]>();

/** Arguments of a tool that are lists whose items name a project of their own. */
function listsOfPlaces(tool: Tool): string[] {
  let lists = placeLists.get(tool);
  if (lists === undefined) {
    const schema = z.toJSONSchema(tool.input, { io: "input", unrepresentable: "any" });
    lists = Object.entries(schema.properties ?? {})
      .filter(([, argument]) => {
        const items = typeof argument === "object" ? argument.items : undefined;
        const properties = isRecord(items) ? items.properties : undefined;
        return isRecord(properties) && ("project" in properties || "to_project" in properties);
      })
      .map(([name]) => name);
    placeLists.set(tool, lists);
  }
  return lists;
}

/** Completion of the arguments of the resource template and of the prompts. */
import {
  type CompleteRequest,
  type CompleteResult,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import type { Caller } from "../access/caller.ts";
import { explain } from "../tools/tool-error.ts";
import { joinPath, resolvePath } from "../workspace/paths.ts";
import type { Deps } from "./deps.ts";
import { prompts } from "./prompts.ts";
import { mayRead, reachableProjects } from "./reachable-projects.ts";
import { recorded } from "./recorded.ts";
import { RESOURCE_TEMPLATE } from "./resource-uri.ts";

/** What an argument can be completed to. */
export type Completing = "project" | "path" | "directory" | "change";

/** Values in one answer; the protocol allows no more. */
const MOST_VALUES = 100;

/** Throws ProtocolError -32602 when there is no such prompt or template. */
export function complete(
  deps: Deps,
  caller: Caller,
  { ref, argument, context }: CompleteRequest["params"],
): CompleteResult {
  const completing = completingOf(ref, argument.name);
  const project = context?.arguments?.project ?? "";
  const path = completing === "path" || completing === "directory" ? argument.value : undefined;
  const target = { project: project.slice(0, 400), path: path?.slice(0, 400) };
  const values = recorded(deps, caller, "completion/complete", target, () =>
    completing ? candidates(deps, caller, completing, project, argument.value) : [],
  );
  return {
    completion: {
      values: values.slice(0, MOST_VALUES),
      total: values.length,
      hasMore: values.length > MOST_VALUES,
    },
  };
}

function completingOf(
  ref: CompleteRequest["params"]["ref"],
  argument: string,
): Completing | undefined {
  if (ref.type === "ref/prompt") {
    const prompt = prompts.find(({ name }) => name === ref.name);
    if (prompt) return prompt.arguments.find(({ name }) => name === argument)?.completing;
    const known = prompts.map(({ name }) => name).join(", ");
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `There is no prompt "${ref.name}"; known: ${known}.`,
    );
  }
  if (ref.uri === RESOURCE_TEMPLATE)
    return argument === "project" || argument === "path" ? argument : undefined;
  throw new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `There is no resource template "${ref.uri}"; known: ${RESOURCE_TEMPLATE}.`,
  );
}

function candidates(
  { workspace }: Deps,
  caller: Caller,
  completing: Completing,
  project: string,
  typed: string,
): string[] {
  if (completing === "project") {
    return reachableProjects(workspace, caller).filter((name) => name.startsWith(typed));
  }
  if (project === "" || project === "." || !mayRead(caller, project)) return [];
  try {
    if (completing === "change") {
      const { versions } = workspace.history.recent({ project, limit: 500 });
      const changes = versions.flatMap(({ change }) => (change === undefined ? [] : [change]));
      return [...new Set(changes)].filter((change) => change.startsWith(typed));
    }
    const at = typed.lastIndexOf("/") + 1;
    using directory = workspace.files.directory(resolvePath(project, typed.slice(0, at)));
    return directory
      .entries()
      .filter((entry) => entry.isDirectory() || (completing === "path" && entry.isFile()))
      .filter((entry) => entry.name.startsWith(typed.slice(at)))
      .map((entry) => `${typed.slice(0, at)}${entry.name}${entry.isDirectory() ? "/" : ""}`);
  } catch (error) {
    // What is typed need not exist yet.
    if (explain(error, joinPath(project, typed))) return [];
    throw error;
  }
}

/**
 * The one way a tool is called, whoever calls and by which protocol: may the caller do it, are the arguments right, run it,
 * tell the audit log. Answers without a promise when the tool does.
 */
import {
  type CallToolResult,
  type ContentBlock,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { type AuditEntry, who } from "../access/audit.ts";
import type { Caller } from "../access/caller.ts";
import { withMetaLabels } from "../access/labels.ts";
import type { Outcome } from "../http/metrics.ts";
import type { CallContext, Tool, ToolAnswer } from "../tools/tool.ts";
import { explain } from "../tools/tool-error.ts";
import type { Deps } from "./deps.ts";

export interface Call {
  caller: Caller;
  /** Aborted when the client has gone or has cancelled. */
  readonly signal: AbortSignal;
  progress?: CallContext["progress"];
  /** The request's `_meta`: labels of the caller and trace context. */
  meta?: Readonly<Record<string, unknown>>;
}

export interface Performed {
  outcome: Outcome;
  result: CallToolResult;
}

/**
 * Calls a tool. What goes wrong is an answer with `isError` that the model reads; only a tool that does not exist is thrown,
 * as ProtocolError -32602.
 */
export function callTool(
  deps: Deps,
  name: string,
  args: unknown,
  call: Call,
): CallToolResult | Promise<CallToolResult> {
  const performed = performCall(deps, name, args, call);
  return performed instanceof Promise ? performed.then(({ result }) => result) : performed.result;
}

/** As `callTool`, and says how it ended. */
export function performCall(
  deps: Deps,
  name: string,
  args: unknown,
  call: Call,
): Performed | Promise<Performed> {
  const tool = toolNamed(deps.tools, name);
  if (tool === undefined) {
    const { caller, meta } = call;
    const tried = { tool: shown(name), outcome: "invalid" } as const;
    deps.audit.record({ ...who(withMetaLabels(caller, meta)), ...tried });
    const known = deps.tools.map((known) => known.name).join(", ");
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `Unknown tool "${name.slice(0, 80)}"; known: ${known}.`,
    );
  }
  const running = new Running(deps, tool, call);
  return running.perform(args ?? {});
}

const byName = new WeakMap<readonly Tool[], Map<string, Tool>>();

/** The tool of that name. */
export function toolNamed(tools: readonly Tool[], name: string): Tool | undefined {
  let known = byName.get(tools);
  if (known === undefined) {
    known = new Map(tools.map((tool) => [tool.name, tool]));
    byName.set(tools, known);
  }
  return known.get(name);
}

/** One call while it runs; what the tool sees of it is its context. */
class Running implements CallContext {
  readonly workspace: CallContext["workspace"];
  readonly walks: CallContext["walks"];
  readonly openWebui: CallContext["openWebui"];
  readonly caller: Caller;
  readonly progress: CallContext["progress"];
  readonly #deps: Deps;
  readonly #tool: Tool;
  readonly #call: Call;
  readonly #started = performance.now();
  #args: Record<string, unknown> = {};
  #bytesIn = 0;

  constructor(deps: Deps, tool: Tool, call: Call) {
    this.workspace = deps.workspace;
    this.walks = deps.walks;
    this.openWebui = deps.openWebui;
    this.caller = withMetaLabels(call.caller, call.meta);
    this.progress = call.progress;
    this.#deps = deps;
    this.#tool = tool;
    this.#call = call;
  }

  /** Made when the tool asks for it: one that answers at once needs none. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  perform(args: unknown): Performed | Promise<Performed> {
    const tool = this.#tool;
    this.#deps.metrics.began();
    if (isRecord(args)) this.#args = args;
    const { bytes, values } = sizeOf(args);
    this.#bytesIn = bytes;
    if (!this.caller.scopes.has(tool.scope)) {
      return this.#end("denied", failure(scopeProblem(this.caller, tool)));
    }
    if (tool.beyondProjects && this.caller.projects !== "all") {
      return this.#end("denied", failure(beyondProblem(this.caller, tool)));
    }
    // Checking each of millions, and telling of each, would keep everybody else waiting.
    if (values > MOST_VALUES) return this.#end("invalid", failure(amountProblem(tool, args)));
    const parsed = tool.input.safeParse(args);
    if (!parsed.success) {
      return this.#end("invalid", failure(argumentProblem(tool, args, parsed.error)));
    }
    const outside = projectOutside(tool, this.caller, parsed.data);
    if (outside !== undefined) {
      return this.#end("denied", failure(projectProblem(this.caller, outside)));
    }
    try {
      const answer = tool.run(this, parsed.data);
      if (answer instanceof Promise) {
        return answer.then(
          (settled) => this.#end("ok", success(settled)),
          (error) => this.#failed(error),
        );
      }
      return this.#end("ok", success(answer));
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): Performed {
    const { name } = this.#tool;
    const path = this.#path();
    const explained = explain(error, path);
    if (explained) return this.#end("error", failure(explained.message));
    // What aborts a call gives a reason of its own kind, which is what then fails.
    const aborted =
      this.#call.signal.aborted ||
      (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError"));
    if (aborted) {
      return this.#end("cancelled", failure(`${name} was cancelled before it was done.`));
    }
    process.stderr.write(
      `${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return this.#end(
      "defect",
      failure(`${name} failed on "${path}" by a defect of the server; its log has the details.`),
    );
  }

  #path(): string {
    const { project, path } = this.#args;
    const parts = [project, path].filter((part) => typeof part === "string" && part !== ".");
    return parts.join("/") || ".";
  }

  #end(outcome: Outcome, result: CallToolResult): Performed {
    const seconds = (performance.now() - this.#started) / 1000;
    const [bytesIn, bytesOut] = [this.#bytesIn, bytesSaid(result.content)];
    const { audit, metrics } = this.#deps;
    metrics.called(this.#tool.name, outcome, seconds, bytesIn, bytesOut);
    const meta = this.#call.meta;
    const entry: AuditEntry = {
      ...who(this.caller),
      tool: this.#tool.name,
      ...targetOf(this.#args),
      outcome,
      in: bytesIn,
      out: bytesOut,
      ms: Math.round(seconds * 1e6) / 1e3,
    };
    if (meta !== undefined) {
      entry.traceparent = shown(meta.traceparent);
      entry.tracestate = shown(meta.tracestate);
      entry.baggage = shown(meta.baggage);
    }
    audit.record(entry);
    return { outcome, result };
  }
}

function success({ structured, content }: ToolAnswer<unknown>): CallToolResult {
  return {
    content: content ?? [{ type: "text", text: JSON.stringify(structured) }],
    structuredContent: structured as Record<string, unknown>,
  };
}

function failure(message: string): CallToolResult {
  return { content: [{ type: "text", text: message }], isError: true };
}

function scopeProblem(caller: Caller, tool: Tool): string {
  const has = [...caller.scopes].join(", ") || "nothing";
  return `Token "${caller.token}" may not ${tool.scope}: it has ${has}. ${tool.name} needs a token with the scope "${tool.scope}".`;
}

function beyondProblem(caller: Caller, tool: Tool): string {
  return `Token "${caller.token}" reaches single projects only. ${tool.name} works on what belongs to no project, and needs a token for all projects.`;
}

function projectProblem(caller: Caller, project: string): string {
  const reached = caller.projects === "all" ? "all" : caller.projects.join(", ") || "none";
  return project === "."
    ? `Token "${caller.token}" does not reach the workspace's root; it reaches the projects ${reached}.`
    : `Token "${caller.token}" does not reach project "${project}"; it reaches: ${reached}.`;
}

/** The first project named in the arguments that the caller's token does not reach. */
function projectOutside(tool: Tool, caller: Caller, input: unknown): string | undefined {
  const { projects } = caller;
  if (projects === "all") return undefined;
  for (const project of projectsNamed(tool, input as Record<string, unknown>)) {
    if (!projects.includes(project)) return project;
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

/** Values in the arguments of one call; four times what the longest lists that a tool takes hold. */
const MOST_VALUES = 2_000;

function amountProblem(tool: Tool, args: unknown): string {
  const long = isRecord(args)
    ? Object.keys(propertiesOf(tool)).find((key) => lengthOf(args[key]) > MOST_VALUES)
    : undefined;
  const came = long === undefined ? "" : `, and ${long} is ${described((args as never)[long])}`;
  return `${tool.name} cannot be called like this: the arguments hold more than ${MOST_VALUES} values${came}. Make several calls with fewer each.`;
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

/** Issues, and arguments that there are not, told at once; more help nobody. */
const MOST_ISSUES = 5;
/** Characters of an argument's name that are told. */
const LONGEST_NAME = 40;

/** Each wrong argument: where, what was expected, what came. */
function argumentProblem(tool: Tool, args: unknown, error: z.ZodError): string {
  const issues = error.issues.slice(0, MOST_ISSUES).map((issue) => {
    const place = issue.path.reduce<string>(
      (path, key) =>
        typeof key === "number" ? `${path}[${key}]` : path ? `${path}.${cut(key)}` : cut(key),
      "",
    );
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys(propertiesOf(tool)).join(", ") || "none";
      const where = place ? ` in ${place}` : `; it takes: ${known}`;
      const names = issue.keys.slice(0, MOST_ISSUES).map((key) => `"${cut(key)}"`);
      const more = issue.keys.length - names.length;
      return `there is no argument ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}${where}`;
    }
    const came = valueAt(args, issue.path);
    if (came === undefined && issue.code === "invalid_type") {
      return `${place || "the arguments"}: missing, ${issue.expected} expected`;
    }
    const wanted = issue.message
      .replace(/^Invalid (input|option): /, "")
      .replace(/, received .*$/, "");
    return `${place || "the arguments"}: ${wanted}, got ${described(came)}`;
  });
  const more = error.issues.length - issues.length;
  return `${tool.name} cannot be called like this: ${issues.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`;
}

function cut(key: PropertyKey): string {
  const name = String(key);
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}...`;
}

function propertiesOf(tool: Tool): object {
  return (tool.input as Partial<z.ZodObject>).shape ?? {};
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (at === null || typeof at !== "object" ? undefined : (at as never)[key]),
    value,
  );
}

function described(value: unknown): string {
  if (value === null || typeof value === "number" || typeof value === "boolean")
    return String(value);
  if (typeof value === "string") {
    return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length} characters`;
  }
  return Array.isArray(value) ? `a list of ${value.length}` : typeof value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Characters of a target or a trace key that are logged. */
const LONGEST_SHOWN = 400;

/** Paths of one call that are logged. */
const MOST_LISTED = 100;
/** Characters of several paths that are logged. */
const LONGEST_LIST = 4000;

/** What a call is about, by the names that all tools give to it. */
function targetOf(args: Readonly<Record<string, unknown>>): Partial<AuditEntry> {
  const { project, path, paths, to_project, to_path, change, chat } = args;
  // Where no path is given, `from` and `to` are paths and not versions.
  const { from, to } = path === undefined ? args : {};
  return {
    project: shown(project),
    path: shown(path ?? from),
    paths: Array.isArray(paths) ? shownList(paths) : undefined,
    to_project: shown(to_project),
    to_path: shown(to_path ?? to),
    change: shown(change),
    of_chat: shown(chat),
  };
}

/** The first ones, and how many more there are. */
function shownList(values: readonly unknown[]): string[] {
  const list: string[] = [];
  let length = 0;
  for (const value of values) {
    const one = shown(value) ?? typeof value;
    length += one.length;
    if (length > LONGEST_LIST || list.length === MOST_LISTED) {
      list.push(`and ${values.length - list.length} more`);
      break;
    }
    list.push(one);
  }
  return list;
}

function shown(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, LONGEST_SHOWN) : undefined;
}

/** Levels of arguments that are counted; nobody sends more but to see the stack overflow. */
const DEEPEST = 20;

interface Size {
  /** Bytes of all text in it. */
  bytes: number;
  /** Values in it, itself among them. */
  values: number;
}

/** Gives up above MOST_VALUES, with what was counted until then. */
function sizeOf(value: unknown): Size {
  const size: Size = { bytes: 0, values: 0 };
  count(value, size, 0);
  return size;
}

function count(value: unknown, size: Size, level: number): void {
  size.values++;
  if (typeof value === "string") size.bytes += Buffer.byteLength(value);
  if (typeof value !== "object" || value === null || level > DEEPEST) return;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (size.values > MOST_VALUES) return;
      count(item, size, level + 1);
    }
    return;
  }
  for (const key in value) {
    if (size.values > MOST_VALUES) return;
    count((value as Record<string, unknown>)[key], size, level + 1);
  }
}

/** Bytes of what an answer says. */
function bytesSaid(content: readonly ContentBlock[]): number {
  let bytes = 0;
  for (const block of content)
    bytes += block.type === "text" ? Buffer.byteLength(block.text) : sizeOf(block).bytes;
  return bytes;
}

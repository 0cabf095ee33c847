/**
 * The one way a tool is called, whoever calls and by which protocol: may the caller do it, are the arguments right, run it,
 * tell the audit log. Answers without a promise when the tool does.
 */
import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import { type AuditEntry, who } from "../access/audit.ts";
import { shown, targetOf } from "../access/audit-target.ts";
import type { Caller } from "../access/caller.ts";
import { withMetaLabels } from "../access/labels.ts";
import type { Outcome } from "../http/metrics.ts";
import type { CallContext, Tool, ToolAnswer } from "../tools/tool.ts";
import { explain } from "../tools/tool-error.ts";
import { amountProblem, argumentProblem } from "./argument-problem.ts";
import { projectRefusal, toolRefusal } from "./authorization.ts";
import { bytesSaid, MOST_VALUES, sizeOf } from "./call-size.ts";
import type { Deps } from "./deps.ts";
import { isRecord } from "./is-record.ts";

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
    const refusal = toolRefusal(this.caller, tool);
    if (refusal !== undefined) return this.#end("denied", failure(refusal));
    // Checking each of millions, and telling of each, would keep everybody else waiting.
    if (values > MOST_VALUES) return this.#end("invalid", failure(amountProblem(tool, args)));
    const parsed = tool.input.safeParse(args);
    if (!parsed.success) {
      return this.#end("invalid", failure(argumentProblem(tool, args, parsed.error)));
    }
    const unreached = projectRefusal(this.caller, tool, parsed.data);
    if (unreached !== undefined) return this.#end("denied", failure(unreached));
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

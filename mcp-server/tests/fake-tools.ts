/** A server with small tools of its own, for what has nothing to do with files. */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CallToolResult, Server } from "@modelcontextprotocol/server";
import { z } from "zod";
import { Audit, type AuditEntry } from "../src/access/audit.ts";
import type { Caller, Scope } from "../src/access/caller.ts";
import { TokenStore } from "../src/access/tokens.ts";
import { type Listener, type ListenerSettings, listen } from "../src/http/listener.ts";
import { uncounted } from "../src/http/metrics.ts";
import { callTool } from "../src/protocol/call-tool.ts";
import type { Deps } from "../src/protocol/deps.ts";
import { listTools } from "../src/protocol/tool-list.ts";
import { type Tool, tool } from "../src/tools/tool.ts";
import { ToolError } from "../src/tools/tool-error.ts";

export const secret = "a-token-for-tests-only-0123456789";
export const identity = { name: "fake", title: "Fake tools", version: "1.2.3" };

const text = "x".repeat(63).concat("\n").repeat(64);
export const signals: AbortSignal[] = [];

export const fakeTools = [
  tool({
    name: "read",
    title: "Read",
    description: "Reads.",
    scope: "read",
    input: z.strictObject({
      project: z.string(),
      path: z.string().default("."),
      offset: z.int().min(1).optional(),
    }),
    output: z.object({ total_lines: z.int(), echo: z.string().optional() }),
    annotations: { readOnlyHint: true },
    run: (_context, { path }) => {
      if (path === "missing") throw new ToolError(`"${path}" does not exist.`);
      if (path === "broken") throw new TypeError("oops");
      return {
        structured: { total_lines: 64, ...(path !== "4k" && { echo: path }) },
        content: [{ type: "text", text: path === "4k" ? text : path }],
      };
    },
  }),
  tool({
    name: "write",
    title: "Write",
    description: "Writes after a while.",
    scope: "write",
    input: z.strictObject({
      project: z.string(),
      to_project: z.string().optional(),
      content: z.string(),
      kind: z.enum(["a", "b"]).optional(),
      places: z.array(z.strictObject({ project: z.string() })).optional(),
    }),
    output: z.object({ written: z.int() }),
    annotations: { destructiveHint: true, openWorldHint: false },
    run: async (_context, { content }) => {
      await sleep(1);
      return { structured: { written: content.length } };
    },
  }),
  tool({
    name: "wait",
    title: "Wait",
    description: "Waits until it is cancelled.",
    scope: "read",
    input: z.strictObject({}),
    output: z.object({}),
    annotations: {},
    run: async ({ signal, progress }) => {
      signals.push(signal);
      progress?.(1, 2, "half");
      await sleep(20_000, undefined, { signal });
      return { structured: {} };
    },
  }),
  tool({
    name: "step",
    title: "Step",
    description: "Tells how far it is.",
    scope: "self-modify",
    input: z.strictObject({ table: z.record(z.string(), z.int()).optional() }),
    output: z.object({ done: z.boolean() }),
    annotations: {},
    run: async ({ progress }) => {
      progress?.(1, 2, "half");
      await sleep(1);
      return { structured: { done: true }, content: [] };
    },
  }),
] as unknown as readonly Tool[];

/** Collects what would be logged. */
export class Recorded extends Audit {
  readonly entries: AuditEntry[] = [];
  constructor() {
    super(undefined);
  }
  override record(entry: AuditEntry): void {
    this.entries.push(JSON.parse(JSON.stringify(entry)));
  }
}

export function fakeDeps(tools: readonly Tool[] = fakeTools): Deps & { audit: Recorded } {
  return {
    tools,
    audit: new Recorded(),
    metrics: uncounted,
    workspace: undefined as never,
    walks: undefined as never,
  };
}

export function caller(scopes: Scope[], projects: readonly string[] | "all" = "all"): Caller {
  return { token: "test", scopes: new Set(scopes), projects };
}

/** The SDK's server over the same tools. */
export function fakeServer(deps: Deps, caller: Caller): Server {
  const server = new Server(identity, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler("tools/list", () => ({ tools: listTools(deps.tools, caller) }));
  server.setRequestHandler("tools/call", async (request, context): Promise<CallToolResult> => {
    const { progressToken, ...meta } = context.mcpReq._meta ?? {};
    return callTool(deps, request.params.name, request.params.arguments, {
      caller,
      signal: context.mcpReq.signal,
      meta,
      ...(progressToken !== undefined && {
        progress: (progress: number, total: number | undefined, message: string) => {
          void context.mcpReq.notify({
            method: "notifications/progress",
            params: { progressToken, progress, message, ...(total && { total }) },
          });
        },
      }),
    });
  });
  return server;
}

export interface FakeServing extends Listener {
  deps: Deps & { audit: Recorded };
  /** A folder for files of the server's own. */
  folder: string;
  stop(): Promise<void>;
}

export async function serveFakes(
  settings: Partial<ListenerSettings> & { tokens?: TokenStore } = {},
): Promise<FakeServing> {
  const deps = fakeDeps();
  const folder = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
  const listener = await listen(
    {
      deps,
      identity,
      tokens: settings.tokens ?? new TokenStore(undefined, { secret }),
      factory: (caller) => fakeServer(deps, caller),
    },
    { host: "127.0.0.1", port: 0, ...settings },
  );
  return {
    ...listener,
    deps,
    folder,
    async stop() {
      await listener.close(500);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface Sent {
  headers?: Record<string, string>;
  body?: string | Buffer;
  path?: string;
  method?: string;
}

/** One plain request; node:http because fetch does not let every header be chosen. */
export function send(port: number, { headers, body, path, method }: Sent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        path: path ?? "/mcp",
        method: method ?? "POST",
        agent: false,
        headers: {
          Authorization: `Bearer ${secret}`,
          "Content-Type": "application/json",
          Accept: "application/json, text/event-stream",
          ...headers,
        },
      },
      async (incoming) => {
        let text = "";
        for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

export const modernMeta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "tests", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** A whole, valid call of a tool in the protocol of 2026-07-28. */
export function modernCall(name: string, args: object, meta: object = {}): Sent {
  return {
    headers: {
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": "tools/call",
      "Mcp-Name": name,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name, arguments: args, _meta: { ...modernMeta, ...meta } },
    }),
  };
}

/** The same in the protocol of 2025-11-25. */
export function legacyCall(name: string, args: object, meta?: object): Sent {
  return {
    headers: { "MCP-Protocol-Version": "2025-11-25" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name, arguments: args, ...(meta && { _meta: meta }) },
    }),
  };
}

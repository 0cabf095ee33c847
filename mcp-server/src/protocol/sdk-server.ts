/** What the server is to a client: the SDK's low-level server, one for each request, with everything it answers made once. */
import {
  type CallToolRequest,
  type CallToolResult,
  type CompleteRequest,
  type CompleteResult,
  type GetPromptRequest,
  type GetPromptResult,
  type InputRequiredResult,
  type ListPromptsResult,
  type ListResourcesRequest,
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type ListToolsResult,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceRequest,
  type ReadResourceResult,
  Server,
  type ServerCapabilities,
  type ServerContext,
  type ServerEventBus,
  type ServerOptions,
} from "@modelcontextprotocol/server";
import type { AuditEntry } from "../access/audit.ts";
import type { Caller } from "../access/caller.ts";
import { withMetaLabels } from "../access/labels.ts";
import type { Outcome } from "../http/metrics.ts";
import type { CallContext, Tool } from "../tools/tool.ts";
import { callTool } from "./call-tool.ts";
import { complete } from "./completion.ts";
import type { Deps } from "./deps.ts";
import { getPrompt, promptList } from "./prompts.ts";
import { mayRead } from "./reachable-projects.ts";
import { placeOf } from "./resource-uri.ts";
import { listResources, readResource, resourceTemplates } from "./resources.ts";
import { listTools } from "./tool-list.ts";

export const serverIdentity = {
  name: "aihub-workspace",
  title: "AI Hub workspace",
  version: "0.1.0",
} as const;

/** What a model should know before the first call. */
const instructions = `Projects are folders; every tool takes \`project\` and a \`path\` inside it. Look before you change: \`tree\`, \`search_code\`, \`read_code\`. Change a part of a file with \`edit_code\`, several files at once with \`apply_patch\`; \`write_code\` is for new files. Pass the etag you read as \`if_match\`, so that nobody's work is overwritten. Nothing is lost: \`history\` shows every change, \`restore_version\` takes it back, \`delete\` moves to a trash.`;

type Handler<Request, Result> = (
  request: Request,
  context: ServerContext,
) => Result | Promise<Result>;

/** What answers each method. */
export interface Handlers {
  "tools/list": Handler<unknown, ListToolsResult>;
  "tools/call": Handler<CallToolRequest, CallToolResult | InputRequiredResult>;
  "resources/list": Handler<ListResourcesRequest, ListResourcesResult>;
  "resources/templates/list": Handler<unknown, ListResourceTemplatesResult>;
  "resources/read": Handler<ReadResourceRequest, ReadResourceResult | InputRequiredResult>;
  "prompts/list": Handler<unknown, ListPromptsResult>;
  "prompts/get": Handler<GetPromptRequest, GetPromptResult | InputRequiredResult>;
  "completion/complete": Handler<CompleteRequest, CompleteResult>;
}

/** The protocol of a request: "modern" is 2026-07-28, "legacy" the revisions of 2025 and before. */
export type Era = "modern" | "legacy";

/** More than the product does: what the official conformance suite wants to find on a server. */
export interface Extension {
  /** Tools called as the product's are. */
  tools: readonly Tool[];
  capabilities: ServerCapabilities;
  requestState: NonNullable<ServerOptions["requestState"]>;
  /** Handlers that take the place of the product's, and may pass on to them. */
  handlers(product: Handlers): Partial<Handlers>;
  /** Where it announces changes; called once, before the first request. */
  announceTo(bus: ServerEventBus): void;
}

/** Milliseconds for which a client may keep what changes with a new version or another token only. */
const FIXED = 5 * 60_000;

const cacheHints: ServerOptions["cacheHints"] = {
  "server/discover": { ttlMs: FIXED, cacheScope: "private" },
  "tools/list": { ttlMs: FIXED, cacheScope: "private" },
  "prompts/list": { ttlMs: FIXED, cacheScope: "private" },
  "resources/templates/list": { ttlMs: FIXED, cacheScope: "private" },
  "resources/list": { ttlMs: 5000, cacheScope: "private" },
  // Files change at any time; who wants to keep one subscribes to it.
  "resources/read": { ttlMs: 0, cacheScope: "private" },
};

/** A server without sessions cannot tell a client of 2025 about changes. */
const capabilities: Record<Era, ServerCapabilities> = {
  modern: {
    tools: {},
    resources: { subscribe: true, listChanged: true },
    prompts: {},
    completions: {},
  },
  legacy: { tools: {}, resources: {}, prompts: {}, completions: {} },
};

const options: Record<Era, ServerOptions> = {
  modern: { capabilities: capabilities.modern, instructions, cacheHints },
  legacy: { capabilities: capabilities.legacy, instructions, cacheHints },
};

/** The server of one request, or of one connection over stdio. Makes no schema: those are made once. */
export function createSdkServer(
  deps: Deps,
  caller: Caller,
  era: Era = "modern",
  extension?: Extension,
): Server {
  const server = new Server(serverIdentity, extension ? extended(era, extension) : options[era]);
  const product = handlersFor(deps, caller);
  const handlers = extension ? { ...product, ...extension.handlers(product) } : product;
  for (const method of Object.keys(handlers) as (keyof Handlers)[]) {
    // The SDK types one method at a time.
    server.setRequestHandler(method as "tools/list", handlers[method] as Handlers["tools/list"]);
  }
  return server;
}

function extended(era: Era, extension: Extension): ServerOptions {
  return {
    ...options[era],
    capabilities: { ...capabilities[era], ...extension.capabilities },
    requestState: extension.requestState,
  };
}

function handlersFor(deps: Deps, caller: Caller): Handlers {
  return {
    "tools/list": () => ({ tools: listTools(deps.tools, caller) }),
    "tools/call": ({ params: { name, arguments: given } }, { mcpReq }) => {
      const progress = progressTo(mcpReq);
      return callTool(deps, name, given, {
        caller,
        signal: mcpReq.signal,
        ...(mcpReq._meta && { meta: mcpReq._meta }),
        ...(progress && { progress }),
      });
    },
    "resources/list": ({ params }, { mcpReq }) =>
      listResources(deps, caller, params?.cursor, mcpReq.signal),
    "resources/templates/list": () => ({ resourceTemplates }),
    "resources/read": ({ params: { uri } }, { mcpReq }) =>
      audited(deps, withMetaLabels(caller, mcpReq._meta), uri, () =>
        readResource(deps, caller, uri),
      ),
    "prompts/list": () => ({ prompts: promptList }),
    "prompts/get": ({ params }) => getPrompt(params.name, params.arguments),
    "completion/complete": ({ params }) => complete(deps, caller, params),
  };
}

/** Tells a client that asked for it how far a call is; a report that says no more than the one before is not sent. */
function progressTo(mcpReq: ServerContext["mcpReq"]): CallContext["progress"] {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let told = Number.NEGATIVE_INFINITY;
  return (progress, total, message) => {
    if (progress <= told) return;
    told = progress;
    const params = { progressToken, progress, message, ...(total !== undefined && { total }) };
    // The client may have gone.
    mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
  };
}

/** Reading a resource is logged and counted as a call of a tool is. */
function audited(
  { audit, metrics }: Deps,
  caller: Caller,
  uri: string,
  read: () => ReadResourceResult,
): ReadResourceResult {
  const started = performance.now();
  metrics.began();
  const place = placeOf(uri);
  const end = (outcome: AuditEntry["outcome"] & Outcome, out: number) => {
    const seconds = (performance.now() - started) / 1000;
    metrics.called(READING, outcome, seconds, uri.length, out);
    const { token, user, chat, message } = caller;
    audit.record({
      token,
      user,
      chat,
      message,
      tool: READING,
      project: place?.project,
      path: place?.path.slice(place.project.length + 1),
      outcome,
      in: uri.length,
      out,
      ms: Math.round(seconds * 1e6) / 1e3,
    });
  };
  try {
    const result = read();
    const [content] = result.contents;
    end("ok", content === undefined ? 0 : sizeOf(content));
    return result;
  } catch (error) {
    if (error instanceof ProtocolError) {
      end(place && !mayRead(caller, place.project) ? "denied" : "error", 0);
      throw error;
    }
    end("defect", 0);
    process.stderr.write(`${READING} failed: ${error instanceof Error ? error.stack : error}\n`);
    throw new ProtocolError(
      ProtocolErrorCode.InternalError,
      "The resource cannot be read by a defect of the server; its log has the details.",
    );
  }
}

const READING = "resources/read";

function sizeOf(content: ReadResourceResult["contents"][number]): number {
  return Buffer.byteLength("text" in content ? content.text : content.blob);
}

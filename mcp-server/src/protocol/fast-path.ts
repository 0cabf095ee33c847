/**
 * Plain tool calls without the SDK's machinery, which costs ten times the call. Only what is certain to be a whole, valid
 * `tools/call` of one of our tools is answered here, exactly as the SDK's path answers it (a test compares them); everything
 * else is left to the SDK, all errors of the protocol among it.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import {
  type CallToolResult,
  classifyInboundRequest,
  isJsonContentType,
  ProtocolErrorCode,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/server";
import type { Caller } from "../access/caller.ts";
import { callTool, toolNamed } from "./call-tool.ts";
import type { Deps } from "./deps.ts";
import { isRecord } from "./is-record.ts";

const MODERN = "2026-07-28";
const VERSION = "io.modelcontextprotocol/protocolVersion";
const CLIENT = "io.modelcontextprotocol/clientInfo";
const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
/** Keys of `_meta` that change nothing in how a call is answered. */
const PLAIN_META = new Set([
  "io.aihub/user",
  "io.aihub/chat",
  "io.aihub/message",
  "traceparent",
  "tracestate",
  "baggage",
]);

interface PlainCall {
  id: string | number;
  name: string;
  args: unknown;
  meta: Record<string, unknown> | undefined;
  modern: boolean;
}

/** What the SDK stamps on each result of the modern protocol. */
export interface ServerIdentity {
  name: string;
  version: string;
  [key: string]: unknown;
}

/**
 * Answers the request and returns true when it is one for here; else touches nothing. `body` is the parsed one.
 */
export function takeFastPath(
  deps: Deps,
  identity: ServerIdentity,
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
  caller: Caller,
): boolean {
  const plain = recognise(deps, request.headers, body);
  if (plain === undefined) return false;
  const tail = plain.modern
    ? `,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":${JSON.stringify(identity)}}}`
    : "}";
  const call = new HttpCall(caller, plain.meta, response);
  const send = (result: CallToolResult) =>
    answer(
      response,
      `{"result":${JSON.stringify(ordered(result)).slice(0, -1)}${tail},"jsonrpc":"2.0","id":${JSON.stringify(plain.id)}}`,
    );
  const fail = (error: unknown) => {
    process.stderr.write(`${plain.name}: ${error instanceof Error ? error.stack : error}\n`);
    answer(
      response,
      JSON.stringify({
        jsonrpc: "2.0",
        id: plain.id,
        error: { code: ProtocolErrorCode.InternalError, message: (error as Error).message },
      }),
    );
  };
  try {
    const result = callTool(deps, plain.name, plain.args, call);
    if (result instanceof Promise) result.then(send).catch(fail);
    else send(result);
  } catch (error) {
    fail(error);
  }
  return true;
}

/** The signal of a call over HTTP: aborted when the connection ends before the answer has been sent. */
class HttpCall {
  readonly caller: Caller;
  readonly meta: Record<string, unknown> | undefined;
  readonly #response: ServerResponse;
  #abort: AbortController | undefined;

  constructor(caller: Caller, meta: Record<string, unknown> | undefined, response: ServerResponse) {
    this.caller = caller;
    this.meta = meta;
    this.#response = response;
  }

  /** Made when it is asked for: a tool that answers at once cannot be interrupted. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      const response = this.#response;
      if (response.destroyed) abort.abort();
      response.once("close", () => {
        if (!response.writableFinished) abort.abort();
      });
      this.#abort = abort;
    }
    return this.#abort.signal;
  }
}

/** The SDK's order of keys. */
function ordered({ content, structuredContent, isError }: CallToolResult): CallToolResult {
  if (isError === undefined) return { content, structuredContent };
  if (structuredContent === undefined) return { content, isError };
  return { content, structuredContent, isError };
}

function answer(response: ServerResponse, text: string): void {
  if (response.destroyed) return;
  const length = Buffer.byteLength(text);
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": length });
  // Pure ASCII is copied instead of encoded.
  response.end(text, length === text.length ? "latin1" : "utf8");
}

function recognise(deps: Deps, headers: IncomingHttpHeaders, body: unknown): PlainCall | undefined {
  if (!isRecord(body) || body.method !== "tools/call" || body.jsonrpc !== "2.0") return undefined;
  for (const key in body) {
    if (key !== "jsonrpc" && key !== "id" && key !== "method" && key !== "params") return undefined;
  }
  const { id, params } = body;
  if (typeof id !== "string" && !Number.isSafeInteger(id)) return undefined;
  if (!isRecord(params)) return undefined;
  for (const key in params) {
    if (key !== "name" && key !== "arguments" && key !== "_meta") return undefined;
  }
  const { name, arguments: args, _meta: meta } = params;
  if (typeof name !== "string" || toolNamed(deps.tools, name) === undefined) return undefined;
  if ((args !== undefined && !isRecord(args)) || (meta !== undefined && !isRecord(meta)))
    return undefined;
  // The SDK loses such a key on the way, and breaks where it cannot walk through.
  if (args !== undefined && (Object.hasOwn(args, "__proto__") || isDeep(args))) return undefined;
  if (!isJsonContentType(headers["content-type"])) return undefined;
  const modern = meta !== undefined && VERSION in meta;
  if (modern ? !isModern(headers, body, name, meta) : !isLegacy(headers, meta)) return undefined;
  return { id: id as string | number, name, args, meta, modern };
}

function isLegacy(
  headers: IncomingHttpHeaders,
  meta: Record<string, unknown> | undefined,
): boolean {
  const { accept } = headers;
  if (!accept?.includes("application/json") || !accept.includes("text/event-stream")) return false;
  const version = headers["mcp-protocol-version"];
  if (version !== undefined && !SUPPORTED_PROTOCOL_VERSIONS.includes(version as string))
    return false;
  return meta === undefined || hasPlainMeta(meta, false);
}

function isModern(
  headers: IncomingHttpHeaders,
  body: Record<string, unknown>,
  name: string,
  meta: Record<string, unknown>,
): boolean {
  return (
    meta[VERSION] === MODERN &&
    headers["mcp-protocol-version"] === MODERN &&
    headers["mcp-method"] === "tools/call" &&
    headers["mcp-name"] === name &&
    // A name that looks encoded is decoded before it is compared.
    !name.startsWith("=?") &&
    hasPlainMeta(meta, true) &&
    isKnownEnvelope(headers, body, meta)
  );
}

function hasPlainMeta(meta: Record<string, unknown>, modern: boolean): boolean {
  for (const key in meta) {
    if (PLAIN_META.has(key)) {
      if (typeof meta[key] !== "string") return false;
    } else if (!modern || (key !== VERSION && key !== CLIENT && key !== CAPABILITIES)) {
      return false;
    }
  }
  return true;
}

/** Envelopes the SDK has found right; a client sends the same with each call. */
const envelopes = new Set<string>();
const MOST_ENVELOPES = 1000;
const LONGEST_ENVELOPE = 4096;

function isKnownEnvelope(
  headers: IncomingHttpHeaders,
  body: Record<string, unknown>,
  meta: Record<string, unknown>,
): boolean {
  let key: string;
  try {
    key = JSON.stringify([meta[CLIENT], meta[CAPABILITIES], CLIENT in meta]);
  } catch {
    // Nested so deeply that it cannot be spelled.
    return false;
  }
  if (envelopes.has(key)) return true;
  if (key.length > LONGEST_ENVELOPE) return false;
  const outcome = classifyInboundRequest({
    httpMethod: "POST",
    protocolVersionHeader: headers["mcp-protocol-version"] as string,
    mcpMethodHeader: headers["mcp-method"] as string,
    mcpNameHeader: headers["mcp-name"] as string,
    body,
  });
  if (outcome.kind !== "modern") return false;
  if (envelopes.size >= MOST_ENVELOPES) envelopes.clear();
  envelopes.add(key);
  return true;
}

/** Levels of arguments; no tool takes as many. */
const DEEPEST = 20;

function isDeep(value: object, level = 0): boolean {
  if (level > DEEPEST) return true;
  const isDeeper = (part: unknown) =>
    typeof part === "object" && part !== null && isDeep(part, level + 1);
  // Walked over as an object, each index of a list would be made a string.
  if (Array.isArray(value)) return value.some(isDeeper);
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key])) return true;
  return false;
}

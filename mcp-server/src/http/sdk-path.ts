/** The SDK's way through a request, for both protocol eras: JSON answers, event streams only where something is sent on the way. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import {
  createMcpHandler,
  isLegacyRequest,
  type McpHandlerRequestOptions,
  type McpRequestContext,
  type Server,
  type ServerEventBus,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { RateLimit } from "../access/rate-limit.ts";
import { limits } from "../limits.ts";

export interface SdkPath {
  serve(request: IncomingMessage, response: ServerResponse, body?: unknown): Promise<void>;
  close(): Promise<void>;
}

export interface SdkPathOptions {
  /** The server of one request. */
  factory: (context: McpRequestContext) => Server;
  /** Whether a tool of this name is answered whole: what it sends on the way is progress, and nothing else. */
  isPlainTool: (name: string) => boolean;
  bus?: ServerEventBus;
}

/** Milliseconds between signs of life on an open stream; proxies cut silent ones after a minute. */
const KEEP_ALIVE = 15_000;

export function sdkPath({ factory, isPlainTool, bus }: SdkPathOptions): SdkPath {
  // The client is told each time; the log is not to be filled by whoever sends nonsense.
  const complaints = new RateLimit(0.2, 10);
  const onerror = (error: Error) => {
    if (complaints.take("") === 0) process.stderr.write(`request refused: ${error.message}\n`);
  };
  const mcp = createMcpHandler(factory, {
    maxRequestBodySize: limits.requestBody,
    keepAliveMs: KEEP_ALIVE,
    onerror,
    ...(bus && { bus }),
  });

  /** A 2025-era request by the SDK's transport, which can answer it in JSON, where the SDK's own fallback always streams. */
  async function legacyJson(
    request: Request,
    options: McpHandlerRequestOptions,
  ): Promise<Response> {
    const { authInfo, parsedBody } = options;
    const server = factory({ era: "legacy", requestInfo: request, ...(authInfo && { authInfo }) });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: undefined,
      enableJsonResponse: true,
    });
    await server.connect(transport);
    try {
      // An answer that nobody waits for any more does not come.
      const gone = new Promise<Response>((resolve) => {
        const leave = () => resolve(new Response(null, { status: 499 }));
        if (request.signal.aborted) leave();
        request.signal.addEventListener("abort", leave, { once: true });
      });
      const answer = transport.handleRequest(request, {
        parsedBody,
        ...(authInfo && { authInfo }),
      });
      return await Promise.race([answer, gone]);
    } finally {
      await server.close();
    }
  }

  const serve = toNodeHandler(
    {
      async fetch(request: Request, options?: McpHandlerRequestOptions): Promise<Response> {
        const body = options?.parsedBody;
        if (
          options !== undefined &&
          request.method === "POST" &&
          isWhole(body, isPlainTool) &&
          (await isLegacyRequest(request, body))
        ) {
          return legacyJson(request, options);
        }
        return mcp.fetch(request, options);
      },
    },
    { maxRequestBodySize: limits.requestBody, onerror },
  );
  return { serve, close: () => mcp.close() };
}

/** Whether nothing but the answer is sent back: no progress asked for, no tool that may send something else. */
function isWhole(body: unknown, isPlainTool: (name: string) => boolean): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return false;
  const { method, id, params } = body as {
    method?: unknown;
    id?: unknown;
    params?: { name?: unknown; _meta?: { progressToken?: unknown } | null } | null;
  };
  if (id === undefined || params?._meta?.progressToken !== undefined) return false;
  return method !== "tools/call" || isPlainTool(String(params?.name));
}

/** One request: whether it names this server, who it comes from, which way it takes. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { hostHeaderValidation, originValidation } from "@modelcontextprotocol/node";
import type { Caller } from "../access/caller.ts";
import { withHeaderLabels } from "../access/labels.ts";
import type { TokenStore } from "../access/tokens.ts";
import { limits } from "../limits.ts";
import { toolNamed } from "../protocol/call-tool.ts";
import type { Deps } from "../protocol/deps.ts";
import { type ServerIdentity, takeFastPath } from "../protocol/fast-path.ts";
import { answerToolRequest, openApiDocument } from "../protocol/openapi.ts";
import type { Subscriptions } from "../protocol/subscriptions.ts";
import { Admission, type AdmissionSettings } from "./admission.ts";
import { answer, refuse } from "./answer.ts";
import { type Body, parseBody, readBody, replayed } from "./body.ts";
import { namesOf } from "./host-name.ts";
import { MOST_STREAMS, OpenStreams } from "./open-streams.ts";
import { type SdkPath, type SdkPathOptions, sdkPath } from "./sdk-path.ts";

export interface HandlerSettings extends AdmissionSettings {
  /** Names the server is called by, besides loopback; a port behind a name is ignored. */
  allowedHosts?: readonly string[];
  /** Plain tool calls go past the SDK. Default true. */
  fastPath?: boolean;
}

export interface HandlerParts {
  deps: Deps;
  tokens: TokenStore;
  identity: ServerIdentity;
  /** The SDK's server for one request. */
  factory: (caller: Caller, era: "modern" | "legacy") => ReturnType<SdkPathOptions["factory"]>;
  /** Who is told about changes; missing: nobody. */
  subscriptions?: Pick<Subscriptions, "listening" | "publish" | "subscribe">;
}

/** Messages of a batch that the SDK takes; it refuses a longer one as a whole. */
const MOST_IN_BATCH = 100;
/** Spellings of Host that are remembered. */
const MOST_HOSTS = 100;

export class RequestHandler {
  readonly #parts: HandlerParts;
  readonly #admission: Admission;
  readonly #sdk: SdkPath;
  readonly #fastPath: boolean;
  readonly #knownHost: ReturnType<typeof hostHeaderValidation>;
  readonly #knownOrigin: ReturnType<typeof originValidation>;
  readonly #streams: OpenStreams;
  readonly #hosts = new Set<string>();
  #draining = false;

  constructor(parts: HandlerParts, settings: HandlerSettings) {
    this.#parts = parts;
    this.#fastPath = settings.fastPath ?? true;
    this.#admission = new Admission(parts.tokens, parts.deps, settings);
    const names = namesOf(settings.allowedHosts);
    this.#knownHost = hostHeaderValidation(names);
    this.#knownOrigin = originValidation(names);
    this.#streams = new OpenStreams((request) => this.#admission.identify(request) !== undefined);
    const { tools } = parts.deps;
    this.#sdk = sdkPath({
      factory: ({ authInfo, era }) => parts.factory(authInfo?.extra?.caller as Caller, era),
      isPlainTool: (name) => toolNamed(tools, name) !== undefined,
      ...(parts.subscriptions && { bus: parts.subscriptions }),
    });
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Answers the request, in its time. */
  take(request: IncomingMessage, response: ServerResponse): void {
    if (this.#draining) response.setHeader("Connection", "close");
    if (!this.#isKnownHost(request, response)) return;
    const url = request.url ?? "/";
    const query = url.indexOf("?");
    const path = query < 0 ? url : url.slice(0, query);
    if (path === "/health") this.#health(response);
    else if (path !== "/mcp" && path !== "/openapi.json" && !path.startsWith("/tools/")) {
      answer(response, 404, {
        error: "Not found. The MCP endpoint is /mcp, the OpenAPI document /openapi.json.",
      });
    } else if (this.#draining) {
      answer(response, 503, { error: "The server is stopping. Try again when it is back." });
    } else if (this.#knownOrigin(request, response)) {
      const admitted = this.#admission.admit(request, response);
      if (admitted === undefined) return;
      const caller = withHeaderLabels(admitted, request.headers);
      const served = this.#route(path, request, response, caller);
      served?.catch((error) => {
        process.stderr.write(`${request.method} ${path}: ${(error as Error).stack}\n`);
        response.destroy();
      });
    }
  }

  #route(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
  ): Promise<void> | undefined {
    const { deps, identity } = this.#parts;
    if (path === "/mcp") {
      if (request.method === "POST") return this.#post(request, response, caller);
      return this.#serve(request, response, caller);
    }
    if (path === "/openapi.json") {
      if (request.method !== "GET") refuseMethod(response, "GET");
      else answer(response, 200, openApiDocument(deps, caller, identity));
      return undefined;
    }
    if (request.method === "POST") return this.#tool(path, request, response, caller);
    refuseMethod(response, "POST");
    return undefined;
  }

  /** As the SDK's check, which parses a URL each time; what it has found right is remembered. */
  #isKnownHost(request: IncomingMessage, response: ServerResponse): boolean {
    const host = request.headers.host ?? "";
    if (this.#hosts.has(host)) return true;
    // A URL can be made of these too, with another host in it.
    if (/[/?#@\\]/.test(host)) {
      answer(response, 403, { error: "The Host header is no name of a host." });
      return false;
    }
    if (!this.#knownHost(request, response)) return false;
    if (this.#hosts.size < MOST_HOSTS) this.#hosts.add(host);
    return true;
  }

  #health(response: ServerResponse): void {
    const { name, version } = this.#parts.identity;
    const status = this.#draining ? "stopping" : "ok";
    answer(response, this.#draining ? 503 : 200, { status, name, version });
  }

  /** Ends what would otherwise never end. */
  drain(): void {
    this.#draining = true;
    this.#streams.end();
  }

  close(): Promise<void> {
    this.#streams.close();
    return this.#sdk.close();
  }

  async #tool(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
  ): Promise<void> {
    const body = await readBody(request, limits.requestBody);
    if (!isWhole(body, response)) return;
    const name = path.slice("/tools/".length);
    await answerToolRequest(this.#parts.deps, name, request, response, body, caller);
  }

  async #post(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    const body = await readBody(request, limits.requestBody);
    if (!isWhole(body, response)) return;
    const parsed = parseBody(body);
    if (parsed === undefined) {
      return this.#serve(replayed(request, Buffer.from("{")), response, caller);
    }
    const { value } = parsed;
    const { deps, identity } = this.#parts;
    // Each call of a batch counts.
    if (Array.isArray(value) && value.length > 1)
      this.#admission.owe(caller, Math.min(value.length, MOST_IN_BATCH) - 1);
    if (this.#fastPath && takeFastPath(deps, identity, request, response, value, caller)) return;
    if ((value as { method?: unknown } | null)?.method !== "subscriptions/listen") {
      return this.#serve(request, response, caller, value);
    }
    if (!this.#streams.add(request, response, caller.token)) {
      deps.metrics.limited();
      refuse(response, 10, `Token "${caller.token}" has ${MOST_STREAMS} streams open already.`);
      return;
    }
    const serve = (narrowed: unknown) => this.#serve(request, response, caller, narrowed);
    const { subscriptions } = this.#parts;
    const current = () => this.#admission.identify(request);
    return subscriptions ? subscriptions.listening(caller, value, serve, current) : serve(value);
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    body?: unknown,
  ): Promise<void> {
    Object.assign(request, {
      auth: { token: "", clientId: caller.token, scopes: [...caller.scopes], extra: { caller } },
    });
    await this.#sdk.serve(request, response, body);
  }
}

/** Whether the body came whole; else the request has been answered. */
function isWhole(body: Body, response: ServerResponse): body is Buffer {
  if (body === "too large") {
    response.setHeader("Connection", "close");
    const message = `The request is larger than ${limits.requestBody} bytes. Send it in parts.`;
    answer(response, 413, { jsonrpc: "2.0", error: { code: -32000, message }, id: null });
  }
  return typeof body !== "string";
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader("Allow", allowed);
  answer(response, 405, { error: `Use ${allowed}.` });
}

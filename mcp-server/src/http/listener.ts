/** The server on HTTP: who may come in, how much may be sent, which way a request takes, how it ends. */
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { hostHeaderValidation, originValidation } from "@modelcontextprotocol/node";
import type { Caller } from "../access/caller.ts";
import { withHeaderLabels } from "../access/labels.ts";
import { FailedLogins, RateLimit } from "../access/rate-limit.ts";
import type { TokenStore } from "../access/tokens.ts";
import { limits } from "../limits.ts";
import { toolNamed } from "../protocol/call-tool.ts";
import type { Deps } from "../protocol/deps.ts";
import { type ServerIdentity, takeFastPath } from "../protocol/fast-path.ts";
import { answerToolRequest, openApiDocument } from "../protocol/openapi.ts";
import type { Subscriptions } from "../protocol/subscriptions.ts";
import { answer } from "./answer.ts";
import { type Body, parseBody, readBody, replayed } from "./body.ts";
import { type SdkPath, type SdkPathOptions, sdkPath } from "./sdk-path.ts";

export interface ListenerSettings {
  host: string;
  /** 0: a free one. */
  port: number;
  /** Names the server is called by, besides loopback; a port behind a name is ignored. */
  allowedHosts?: readonly string[];
  /** Requests a second for each token, twice as many at once; 0: any number. Default 1,000, on loopback 0. */
  rateLimit?: number;
  /** Milliseconds after which a client that takes nothing of its answer is cut off. Default 120,000. */
  stallTimeout?: number;
  /** Where a client without a token learns who gives it one (RFC 9728), as an address; missing: nothing is said of it. */
  resourceMetadata?: string;
  /** Plain tool calls go past the SDK. Default true. */
  fastPath?: boolean;
  /** Who comes without a token. Only on loopback. */
  anonymous?: Caller;
}

export interface ListenerParts {
  deps: Deps;
  tokens: TokenStore;
  identity: ServerIdentity;
  /** The SDK's server for one request. */
  factory: (caller: Caller, era: "modern" | "legacy") => ReturnType<SdkPathOptions["factory"]>;
  /** Who is told about changes; missing: nobody. */
  subscriptions?: Pick<Subscriptions, "listening" | "publish" | "subscribe">;
}

export interface Listener {
  /** The MCP endpoint. */
  url: string;
  port: number;
  /** Takes no new calls, lets running ones end for up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** Whether only this machine reaches a server that listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

/** One reason for all: a runaway loop of one client, which would take the others' share. Far above what a chat does. */
const REQUESTS_A_SECOND = 1000;
const MOST_CONNECTIONS = 2000;
const STALL_TIMEOUT = 120_000;
/** Streams of one token that stay open. */
const MOST_STREAMS = 100;
/** Requests on one connection whose answers the client has not read. Hardly any client sends a second one before that. */
const MOST_UNREAD = 16;
/** Messages of a batch that the SDK takes; it refuses a longer one as a whole. */
const MOST_IN_BATCH = 100;
/** Bytes of a refused request that are read so that its connection can be kept. */
const MOST_SKIPPED = 64 * 1024;
/** How soon a stream ends whose token was revoked, milliseconds. */
const STREAM_CHECK = 10_000;

/** Spellings of Host that are remembered. */
const MOST_HOSTS = 100;

/** Throws an Error for people when the address cannot be listened on. */
export async function listen(parts: ListenerParts, settings: ListenerSettings): Promise<Listener> {
  if (settings.anonymous && !isLoopback(settings.host)) {
    throw new Error(
      `Calls without a token are allowed on loopback only, not on ${settings.host}: others can reach it.`,
    );
  }
  const face = new Face(parts, settings);
  /** Connections, and how many answers each waits for. */
  const connections = new Map<Socket, number>();
  const http = createHttpServer((request, response) => {
    const { socket } = request;
    const unread = (connections.get(socket) ?? 0) + 1;
    // Who asks on and on and reads nothing would have all its answers kept.
    if (unread > MOST_UNREAD) {
      socket.destroy();
      return;
    }
    connections.set(socket, unread);
    response.once("close", () => {
      const others = (connections.get(socket) ?? 1) - 1;
      if (connections.has(socket)) connections.set(socket, others);
      if (face.draining && others === 0) socket.destroySoon();
    });
    face.take(request, response);
  });
  // A write of the largest size over a slow line.
  http.requestTimeout = 60_000;
  http.headersTimeout = 10_000;
  // Far below what a process may hold open, so that files can still be opened.
  http.maxConnections = MOST_CONNECTIONS;
  // Longer than a proxy in front keeps idle connections, so that it never sends into one being closed.
  http.keepAliveTimeout = 75_000;
  // An idle connection has its time as well; a call that runs has what it takes.
  http.setTimeout(settings.stallTimeout ?? STALL_TIMEOUT, (socket) => {
    if (connections.get(socket) === 0 || socket.writableLength > 0) socket.destroy();
  });
  http.on("connection", (socket) => {
    connections.set(socket, 0);
    socket.once("close", () => connections.delete(socket));
  });
  // Called when the server closes. Node would call idle who still reads an answer, and not who has sent half a request's head.
  http.closeIdleConnections = () => {
    for (const [socket, unread] of connections) if (unread === 0) socket.destroySoon();
  };
  const port = await listenOn(http, settings.host, settings.port);
  return {
    url: `http://${spelled(settings.host)}:${port}/mcp`,
    port,
    async close(graceMs) {
      face.drain();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      const cut = setTimeout(() => http.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
      await face.close();
    },
  };
}

/** A host as it is spelled in a URL. */
export function spelled(host: string): string {
  return host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host;
}

/** Names by which a server is called, for the check of the Host header. */
export function namesOf(allowedHosts: readonly string[] = []): string[] {
  return [...loopback, ...allowedHosts.map((name) => name.replace(/:\d+$/, "").toLowerCase())];
}

/** Starts listening and returns the port. Throws an Error for people. */
export async function listenOn(http: HttpServer, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) =>
      reject(new Error(listenProblem(error, host, port)));
    http.once("error", refuse);
    http.listen(port, host.replace(/^\[|\]$/g, ""), () => {
      http.off("error", refuse);
      http.on("error", (error) => process.stderr.write(`listening: ${error.message}\n`));
      resolve();
    });
  });
  return (http.address() as AddressInfo).port;
}

class Face {
  readonly #parts: ListenerParts;
  readonly #sdk: SdkPath;
  readonly #fastPath: boolean;
  readonly #anonymous: Caller | undefined;
  readonly #knownHost: ReturnType<typeof hostHeaderValidation>;
  readonly #knownOrigin: ReturnType<typeof originValidation>;
  readonly #rate: RateLimit | undefined;
  readonly #logins = new FailedLogins();
  readonly #challenge: string;
  /** Streams that stay open until one side has enough of them. */
  readonly #streams = new Map<ServerResponse, { request: IncomingMessage; token: string }>();
  readonly #streamCheck: NodeJS.Timeout;
  readonly #hosts = new Set<string>();
  #draining = false;

  constructor(parts: ListenerParts, settings: ListenerSettings) {
    this.#parts = parts;
    this.#fastPath = settings.fastPath ?? true;
    this.#anonymous = settings.anonymous;
    const { resourceMetadata } = settings;
    this.#challenge = [
      'Bearer realm="mcp", error="invalid_token"',
      ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
    ].join(", ");
    const names = namesOf(settings.allowedHosts);
    this.#knownHost = hostHeaderValidation(names);
    this.#knownOrigin = originValidation(names);
    const rate = settings.rateLimit ?? (isLoopback(settings.host) ? 0 : REQUESTS_A_SECOND);
    this.#rate = rate > 0 ? new RateLimit(rate, Math.max(1, 2 * rate)) : undefined;
    this.#streamCheck = setInterval(() => {
      for (const [response, { request }] of this.#streams)
        if (this.#identify(request) === undefined) response.end();
    }, STREAM_CHECK).unref();
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
      const admitted = this.#admit(request, response);
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
    for (const response of this.#streams.keys()) response.end();
  }

  close(): Promise<void> {
    clearInterval(this.#streamCheck);
    return this.#sdk.close();
  }

  /** Who comes in; undefined when the request has been answered. */
  #admit(request: IncomingMessage, response: ServerResponse): Caller | undefined {
    const address = request.socket.remoteAddress ?? "";
    const { audit, metrics } = this.#parts.deps;
    const caller = this.#identify(request);
    if (caller === undefined) {
      const wait = this.#logins.failed(address);
      metrics.unauthorized();
      // The body of a stranger is not read.
      response.setHeader("Connection", "close");
      if (wait > 0) {
        metrics.limited();
        return refuse(response, wait, "Too many calls without a valid token from this address.");
      }
      audit.record({ outcome: "unauthorized", address });
      response.setHeader("WWW-Authenticate", this.#challenge);
      answer(response, 401, {
        error: "Send a token of this server: Authorization: Bearer <token>",
      });
      return undefined;
    }
    const wait = this.#rate?.take(caller.token) ?? 0;
    if (wait === 0) return caller;
    metrics.limited();
    const length = request.headers["content-length"];
    if (length !== undefined && Number(length) <= MOST_SKIPPED) request.resume();
    else response.setHeader("Connection", "close");
    return refuse(response, wait, `Token "${caller.token}" calls too fast.`);
  }

  /** Who shows the request's token now, which may have been revoked since it came. */
  #identify({ headers: { authorization } }: IncomingMessage): Caller | undefined {
    if (authorization === undefined) return this.#anonymous;
    const secret = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    return secret === undefined ? undefined : this.#parts.tokens.authenticate(secret);
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
      this.#rate?.owe(caller.token, Math.min(value.length, MOST_IN_BATCH) - 1);
    if (this.#fastPath && takeFastPath(deps, identity, request, response, value, caller)) return;
    if ((value as { method?: unknown } | null)?.method !== "subscriptions/listen") {
      return this.#serve(request, response, caller, value);
    }
    const open = [...this.#streams.values()].filter(({ token }) => token === caller.token);
    if (open.length >= MOST_STREAMS) {
      deps.metrics.limited();
      refuse(response, 10, `Token "${caller.token}" has ${MOST_STREAMS} streams open already.`);
      return;
    }
    this.#streams.set(response, { request, token: caller.token });
    response.on("close", () => this.#streams.delete(response));
    // Ended while the server stops, it may still be written to.
    response.on("error", () => {});
    const serve = (narrowed: unknown) => this.#serve(request, response, caller, narrowed);
    const { subscriptions } = this.#parts;
    const current = () => this.#identify(request);
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

function refuse(response: ServerResponse, seconds: number, why: string): undefined {
  response.setHeader("Retry-After", seconds);
  const message = `${why} Try again in ${seconds} s.`;
  answer(response, 429, { jsonrpc: "2.0", error: { code: -32000, message }, id: null });
  return undefined;
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader("Allow", allowed);
  answer(response, 405, { error: `Use ${allowed}.` });
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === "EADDRINUSE")
    return `Port ${port} of ${host} is taken. Choose another with --port.`;
  if (error.code === "EACCES")
    return `Port ${port} may not be opened by this user. Choose one above 1023 with --port.`;
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND")
    return `${host} is no address of this machine. Choose another with --host.`;
  return `Cannot listen on ${host}:${port}: ${error.message}`;
}

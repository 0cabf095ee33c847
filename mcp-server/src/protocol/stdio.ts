/** The server on standard input and output, for a client that starts it itself. */
import { Transform } from "node:stream";
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type RequestId,
  type Server,
  type Transport,
} from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { type Caller, type Scope, scopes } from "../access/caller.ts";
import { limits } from "../limits.ts";
import { type DepsSettings, openDeps } from "./open-deps.ts";
import { createSdkServer } from "./sdk-server.ts";
import { StdioSubscriptions } from "./stdio-subscriptions.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface StdioSettings extends DepsSettings {
  /** What the client may do. Default all: it runs as the same user. */
  scopes?: readonly Scope[];
}

export interface RunningStdio {
  /** Settles when the client has gone and everything is closed. */
  ended: Promise<void>;
  close(): Promise<void>;
}

/** How long running calls may take once the client has said its last or the server is to stop, milliseconds. */
const GRACE = 8_000;

/** Throws an Error for people when the workspace cannot be used. */
export async function startStdio(settings: StdioSettings): Promise<RunningStdio> {
  const { deps, close } = await openDeps(settings);
  const caller: Caller = {
    token: "stdio",
    scopes: new Set(settings.scopes ?? scopes),
    projects: "all",
  };
  const subscriptions = new Subscriptions(deps.workspace);
  const told = new StdioSubscriptions(subscriptions, caller);
  const running = new RunningRequests();
  // The transport closes at the end of its input, so that end is held back until what came before is answered.
  const input = new Transform({
    transform: (chunk, _encoding, pass) => pass(null, chunk),
    flush: (end) => setImmediate(() => void running.answered(GRACE).then(() => end())),
  });
  // Above what HTTP takes: the frame around a write's content comes on top.
  const transport = new StdioServerTransport(input, process.stdout, {
    maxBufferSize: limits.requestBody,
  });
  const handle = serveStdio(
    ({ era }): Server => told.serving(createSdkServer(deps, caller, era), era),
    { transport, onerror: (error) => process.stderr.write(`${error.message}\n`) },
  );
  told.hear(transport);
  running.watch(transport);
  const ended = new Promise<void>((resolve, reject) => {
    const closed = transport.onclose;
    transport.onclose = () => {
      closed?.();
      subscriptions.close();
      close().then(resolve, reject);
    };
  });
  process.stdin.pipe(input);
  process.stdin.on("error", () => input.end());
  return {
    ended,
    async close() {
      await running.answered(GRACE);
      await handle.close();
      await transport.close();
      await ended;
    },
  };
}

/** The client's requests that have no answer yet. */
class RunningRequests {
  readonly #open = new Set<RequestId>();
  #idle: (() => void) | undefined;

  /** To be called when the SDK serves the transport. */
  watch(transport: Transport): void {
    const take = transport.onmessage;
    transport.onmessage = (message, extra) => {
      // A subscription has no answer until it ends.
      if (isJSONRPCRequest(message) && message.method !== "subscriptions/listen")
        this.#open.add(message.id);
      if (isJSONRPCNotification(message) && message.method === "notifications/cancelled")
        this.#settle(message.params?.requestId as RequestId);
      take?.(message, extra);
    };
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => {
      await send(message, options);
      if ("id" in message && !("method" in message)) this.#settle(message.id as RequestId);
    };
  }

  /** Resolves when all are answered, or after `milliseconds`. */
  async answered(milliseconds: number): Promise<void> {
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    const timer = setTimeout(resolve, milliseconds);
    await promise;
    clearTimeout(timer);
  }

  #settle(id: RequestId): void {
    this.#open.delete(id);
    if (this.#open.size === 0) this.#idle?.();
  }
}

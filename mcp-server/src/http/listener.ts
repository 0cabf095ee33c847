/** The server on HTTP: its connections, how much they may hold, how it ends. */
import { createServer as createHttpServer } from "node:http";
import type { Socket } from "node:net";
import { isLoopback, spelled } from "./host-name.ts";
import { listenOn } from "./listen-on.ts";
import { type HandlerParts, type HandlerSettings, RequestHandler } from "./request-handler.ts";

export interface ListenerSettings extends HandlerSettings {
  /** 0: a free one. */
  port: number;
  /** Milliseconds after which a client that takes nothing of its answer is cut off. Default 120,000. */
  stallTimeout?: number;
}

export interface Listener {
  /** The MCP endpoint. */
  url: string;
  port: number;
  /** Takes no new calls, lets running ones end for up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** Far below what a process may hold open, so that files can still be opened. */
const MOST_CONNECTIONS = 2000;
const STALL_TIMEOUT = 120_000;
/** Requests on one connection whose answers the client has not read. Hardly any client sends a second one before that. */
const MOST_UNREAD = 16;

/** Throws an Error for people when the address cannot be listened on. */
export async function listen(parts: HandlerParts, settings: ListenerSettings): Promise<Listener> {
  if (settings.anonymous && !isLoopback(settings.host)) {
    throw new Error(
      `Calls without a token are allowed on loopback only, not on ${settings.host}: others can reach it.`,
    );
  }
  const handler = new RequestHandler(parts, settings);
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
      if (handler.draining && others === 0) socket.destroySoon();
    });
    handler.take(request, response);
  });
  // A write of the largest size over a slow line.
  http.requestTimeout = 60_000;
  http.headersTimeout = 10_000;
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
      handler.drain();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      const cut = setTimeout(() => http.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
      await handler.close();
    },
  };
}

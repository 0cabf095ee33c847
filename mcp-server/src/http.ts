/** The server on HTTP: who may come in, how much may be sent, how it ends. */
import { createHash, timingSafeEqual } from "node:crypto";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { hostHeaderValidation, originValidation, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { limits } from "./limits.ts";
import { createServer, serverInfo } from "./server.ts";
import { Workspace } from "./workspace.ts";

export interface ServerSettings {
  /** Folder that the tools work in. */
  workspace: string;
  /** Bearer token every call must carry; at least 16 characters. */
  token: string;
  host: string;
  /** 0: a free one. */
  port: number;
  /** Names the server is called by, besides loopback; a port behind a name is ignored. */
  allowedHosts?: string[];
}

export interface RunningServer {
  /** The MCP endpoint. */
  url: string;
  port: number;
  /** Takes no new calls, lets running ones end for up to `graceMs` (default 10 s), then cuts them. */
  close(graceMs?: number): Promise<void>;
}

const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** Throws an Error with a message for people when the workspace, the token or the port cannot be used. */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  if (settings.token === "") throw new Error("The token is empty. Make one: openssl rand -hex 32");
  // On loopback nobody else can guess at it.
  if (settings.token.length < 16 && !loopback.includes(settings.host)) {
    throw new Error(
      "The token is shorter than 16 characters, and others can reach this address. Make one: openssl rand -hex 32",
    );
  }
  const workspace = await Workspace.open(settings.workspace);
  const mcp = createMcpHandler(() => createServer(workspace), {
    maxRequestBodySize: limits.requestBody,
    onerror: (error) => process.stderr.write(`request refused: ${error.message}\n`),
  });
  const serve = toNodeHandler(mcp, { maxRequestBodySize: limits.requestBody });
  const names = [
    ...loopback,
    ...(settings.allowedHosts ?? []).map((name) => name.replace(/:\d+$/, "")),
  ];
  const knownHost = hostHeaderValidation(names);
  const knownOrigin = originValidation(names);
  const admitted = bearerCheck(settings.token);
  let draining = false;

  const http = createHttpServer((request, response) => {
    if (draining) response.setHeader("Connection", "close");
    if (!knownHost(request, response)) return;
    const path = request.url?.split("?")[0];
    if (path === "/health") {
      return answer(response, draining ? 503 : 200, {
        status: draining ? "stopping" : "ok",
        ...serverInfo,
      });
    }
    if (path !== "/mcp")
      return answer(response, 404, { error: "Not found. The MCP endpoint is /mcp." });
    if (!knownOrigin(request, response)) return;
    if (!admitted(request)) {
      response.setHeader("WWW-Authenticate", 'Bearer realm="mcp", error="invalid_token"');
      // The body of a stranger is not read.
      response.setHeader("Connection", "close");
      return answer(response, 401, {
        error: "Send the hub's MCP token: Authorization: Bearer <token>",
      });
    }
    void serve(request, response);
  });
  http.requestTimeout = 60_000;
  http.headersTimeout = 10_000;
  // Longer than a proxy in front keeps idle connections, so that it never sends into one being closed.
  http.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(listenProblem(error, settings))),
    );
    http.listen(settings.port, settings.host, resolve);
  });
  const { port } = http.address() as AddressInfo;
  const shownHost = settings.host.includes(":") ? `[${settings.host}]` : settings.host;

  return {
    url: `http://${shownHost}:${port}/mcp`,
    port,
    async close(graceMs = 10_000) {
      draining = true;
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeIdleConnections();
      const cut = setTimeout(() => http.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
      await mcp.close();
    },
  };
}

/** Compares digests of equal length in constant time, so that neither length nor content of the token leaks. */
function bearerCheck(token: string): (request: IncomingMessage) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const wanted = digest(token);
  return (request) => {
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
    return given !== undefined && timingSafeEqual(digest(given), wanted);
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

function listenProblem(error: NodeJS.ErrnoException, { host, port }: ServerSettings): string {
  if (error.code === "EADDRINUSE")
    return `Port ${port} of ${host} is taken. Choose another with --port.`;
  if (error.code === "EACCES")
    return `Port ${port} may not be opened by this user. Choose one above 1023 with --port.`;
  if (error.code === "EADDRNOTAVAIL")
    return `${host} is no address of this machine. Choose another with --host.`;
  return `Cannot listen on ${host}:${port}: ${error.message}`;
}

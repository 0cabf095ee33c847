/** The simulated DigitalOcean on a loopback address: HTTP in front, droplets and doors behind. */
import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "../../hub/user-error.ts";
import type { DropletDriver } from "../droplet/driver.ts";
import { forwarder } from "../droplet/forwarder.ts";
import { accountRoutes } from "./account.ts";
import { actionRoutes } from "./actions.ts";
import { ApiError, serverError, unauthorized } from "./api-error.ts";
import { catalogRoutes } from "./catalog.ts";
import { Cloud, type SeenRequest } from "./cloud.ts";
import { domainRoutes } from "./domains.ts";
import { doors, localhostDoors, nextOpening } from "./doors.ts";
import { dropletActionRoutes } from "./droplet-actions.ts";
import { dropletRoutes } from "./droplets.ts";
import { refuseByFault, rehearsalRoutes } from "./faults.ts";
import { firewallRoutes } from "./firewalls.ts";
import { keyRoutes } from "./keys.ts";
import { monitoringRoutes } from "./monitoring.ts";
import { ownerOf } from "./owner.ts";
import { perform } from "./perform.ts";
import { projectRoutes } from "./projects.ts";
import { rateLimit } from "./rate-limit.ts";
import { readopt } from "./readopt.ts";
import { reservedIpRoutes } from "./reserved-ips.ts";
import { findRoute, type Reply, type Route } from "./route.ts";
import { snapshotRoutes } from "./snapshots.ts";
import { followSpaces, lifecycleRoutes, spacesRoutes } from "./spaces.ts";
import { startSpacesServer } from "./spaces-server.ts";
import { loadState } from "./state.ts";
import { tagRoutes } from "./tags.ts";
import { uptimeRoutes } from "./uptime.ts";
import { volumeRoutes } from "./volumes.ts";
import { vpcRoutes } from "./vpcs.ts";

export { recordingDriver } from "../droplet/recording-driver.ts";

const MAX_BODY_BYTES = 1024 * 1024;
const LOGGED_REQUESTS = 10_000;

const routes: Route[] = [
  ...accountRoutes,
  ...keyRoutes,
  ...actionRoutes,
  ...dropletRoutes,
  ...dropletActionRoutes,
  ...volumeRoutes,
  ...snapshotRoutes,
  ...reservedIpRoutes,
  ...domainRoutes,
  ...firewallRoutes,
  ...tagRoutes,
  ...projectRoutes,
  ...vpcRoutes,
  ...monitoringRoutes,
  ...uptimeRoutes,
  ...catalogRoutes,
  ...spacesRoutes,
  ...lifecycleRoutes,
  ...rehearsalRoutes,
];

export interface CloudServerArgs {
  /** Holds all that the account has; made when missing. */
  stateDir: string;
  /** N: the API is at 127.N.0.1, droplets at 127.N.1.n, reserved IPs at 127.N.2.n. */
  block: number;
  /** The one token that is accepted. */
  token: string;
  driver: DropletDriver;
  /** Port of the API; default 8080, 0 takes a free one. */
  port?: number;
  /** Milliseconds that an action is in progress before its work is done; default 1000. */
  delayMs?: number;
  /** Lead 127.0.0.1:80 and :443 to the first reserved IP as well; default false. */
  publishLocalhost?: boolean;
  /** The S3 server behind Spaces: versitygw's path, where it listens. Left out: there is no object storage. */
  spaces?: { program: string; addresses: string[]; port: number };
  /** Receives one line per request and per failed action; default none. */
  log?: (line: string) => void;
}

export interface RunningCloud {
  url: string;
  /** Address of object storage; undefined: there is none. */
  spacesUrl: string | undefined;
  /** Stops answering and forwarding; droplets keep running. */
  close(): Promise<void>;
}

/** Starts it, finds its droplets again and goes on with what was under way. Throws UserError when a port is taken. */
export async function startCloud(args: CloudServerArgs): Promise<RunningCloud> {
  const log = args.log ?? (() => {});
  const state = loadState(args.stateDir);
  const network = forwarder(ownerOf(args.stateDir));
  let opening: NodeJS.Timeout | undefined;
  const localhost = args.publishLocalhost ?? false;
  const follow = async (cloud: Cloud) => {
    await network.open(doors(cloud, { localhost })).catch((error: unknown) => {
      log(`a door could not be opened: ${error}`);
    });
    clearTimeout(opening);
    const wait = nextOpening(cloud);
    if (wait !== undefined) opening = setTimeout(() => void follow(cloud), wait + 10).unref();
  };
  const spaces =
    args.spaces && (await startSpacesServer({ ...args.spaces, stateDir: args.stateDir }));
  const cloud = new Cloud({
    state,
    spaces,
    stateDir: args.stateDir,
    driver: args.driver,
    block: args.block,
    delayMs: args.delayMs ?? 1000,
    perform,
    onChange: follow,
    log,
  });
  const server = createServer(answerer(cloud, args.token));
  // Clients keep connections between polls that are many seconds apart.
  server.keepAliveTimeout = 120_000;
  const host = `127.${args.block}.0.1`;
  const port = args.port ?? 8080;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? takenPort(host, port) : error),
    );
    server.listen(port, host, resolve);
  }).catch(async (error: unknown) => {
    await spaces?.close();
    throw error;
  });
  const close = async () => {
    clearTimeout(opening);
    stopWatching();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await cloud.close();
    await spaces?.close();
    await network.close();
  };
  let stopWatching = () => {};
  try {
    if (localhost) {
      await network
        .open(localhostDoors(cloud, []))
        .catch((error: NodeJS.ErrnoException & { port?: number }) => {
          throw error.code === "EADDRINUSE" ? takenPort("127.0.0.1", error.port ?? 443) : error;
        });
    }
    await followSpaces(cloud);
    await readopt(cloud);
    stopWatching = cloud.driver.watch((id, why) => void cloud.wentDown(id, why));
    await cloud.changed();
    cloud.resumeActions();
  } catch (error) {
    await close();
    throw error;
  }
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://${host}:${bound}`, spacesUrl: spaces?.endpoint, close };
}

function takenPort(host: string, port: number): UserError {
  return new UserError(
    `Port ${port} on ${host} is taken by another program.\n` +
      `  See which one: ss -ltnp 'sport = :${port}'\n` +
      (host === "127.0.0.1"
        ? "  Stop it, or run without publishing on localhost: the hub answers on its own address too."
        : "  Stop it, or choose another instance: AIHUB_INSTANCE=<name>."),
  );
}

function answerer(cloud: Cloud, token: string) {
  const limit = rateLimit();
  return async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "localhost"}`);
    const method = request.method ?? "GET";
    const requestId = randomUUID();
    const headers: Record<string, string> = { "x-request-id": requestId };
    let reply: Reply;
    try {
      const body = await readBody(request);
      authenticate(request, token);
      const own = url.pathname.startsWith("/_rehearsal/");
      if (!own) {
        Object.assign(headers, limit.count());
        limit.check();
        refuseByFault(cloud, method, url.pathname);
      }
      const { route, params } = findRoute(routes, method, url.pathname);
      reply = await route.answer(cloud, {
        params,
        query: url.searchParams,
        body: parse(body),
        origin: url.origin,
        path: url.pathname,
      });
      if (method !== "GET") await cloud.changed();
    } catch (error) {
      const problem = error instanceof ApiError ? error : unexpected(cloud, error);
      Object.assign(headers, problem.headers);
      reply = {
        status: problem.status,
        body: { id: problem.id, message: problem.message, request_id: requestId },
      };
    }
    note(cloud, { method, path: url.pathname, status: reply.status });
    if (reply.body === undefined) {
      response.writeHead(reply.status, headers).end();
    } else {
      const text = JSON.stringify(reply.body);
      response
        .writeHead(reply.status, {
          ...headers,
          "content-type": "application/json; charset=utf-8",
          "content-length": String(Buffer.byteLength(text)),
        })
        .end(text);
    }
  };
}

function unexpected(cloud: Cloud, error: unknown): ApiError {
  cloud.log(`unexpected: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  const known = serverError();
  return error instanceof UserError ? new ApiError(500, known.id, error.message) : known;
}

function note(cloud: Cloud, seen: SeenRequest): void {
  cloud.requestLog.push(seen);
  if (cloud.requestLog.length > LOGGED_REQUESTS) cloud.requestLog.shift();
  cloud.log(`${seen.method} ${seen.path} ${seen.status}`);
}

function authenticate(request: IncomingMessage, token: string): void {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const digest = (text: string) => createHash("sha256").update(text).digest();
  if (!timingSafeEqual(digest(given), digest(token))) throw unauthorized();
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new ApiError(413, "payload_too_large", "The request body is too large.");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(body: string): unknown {
  if (body.trim() === "") return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new ApiError(400, "bad_request", "The request body is not valid JSON.");
  }
}

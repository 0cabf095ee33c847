/** A steady load on every door of the hub: so many requests a second, each with the answer that it must have. */
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Outputs, Session } from "./hub.ts";

export interface Door {
  name: string;
  /** The n-th request and what it must be answered by. */
  ask(n: number): LoadRequest;
}

export interface LoadRequest {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Statuses that are right. */
  right: number[];
  /** What must be in the answer's body. */
  says?: string;
}

export interface LoadCount {
  answered: number;
  /** Milliseconds. */
  slowest: number;
  /** What went wrong with each request that failed. */
  failed: string[];
}

/** Requests a second on each door, half of them on connections of their own. */
const RATE = 10;
/** Requests of a door that wait for their answers; more are not sent. */
const MOST_WAITING = 20;
/** Milliseconds. */
const PATIENCE = 60_000;

export interface Load {
  /** Sends no more, waits for what is out, and tells by door. */
  stop(): Promise<Record<string, LoadCount>>;
}

export function startLoad(to: Outputs, doors: Door[]): Load {
  const kept = new Agent({ keepAlive: true, maxSockets: 4 * doors.length });
  const stopped = new AbortController();
  const began = Date.now();
  const counts: Record<string, LoadCount> = {};
  const runs = doors.map(async (door) => {
    const count: LoadCount = { answered: 0, slowest: 0, failed: [] };
    counts[door.name] = count;
    const waiting = new Set<Promise<void>>();
    for (let n = 0; !stopped.signal.aborted; n += 1) {
      if (waiting.size < MOST_WAITING) {
        const wanted = door.ask(n);
        const sent = Date.now();
        const one = send(to, wanted, n % 2 === 0 ? kept : undefined)
          .then(
            (problem) => problem,
            (error: Error) => error.message,
          )
          .then((problem) => {
            waiting.delete(one);
            count.slowest = Math.max(count.slowest, Date.now() - sent);
            if (problem === undefined) count.answered += 1;
            else {
              const when = ((sent - began) / 1000).toFixed(1);
              const how = n % 2 === 0 ? "kept connection" : "new connection";
              count.failed.push(
                `${wanted.method ?? "GET"} ${wanted.path} after ${when} s, ${how}: ${problem}`,
              );
            }
          });
        waiting.add(one);
      }
      await sleep(1000 / RATE, undefined, { signal: stopped.signal }).catch(() => {});
    }
    await Promise.all(waiting);
  });
  return {
    async stop() {
      stopped.abort();
      await Promise.all(runs);
      kept.destroy();
      return counts;
    },
  };
}

/** The doors whose services can serve twice at once, and nginx by itself. What is written lies in `folder` of the workspace. */
export function sideDoors(to: Outputs, session: Session, folder: string): Door[] {
  const cookie = { Cookie: session.cookie };
  const bearer = {
    Authorization: `Bearer ${to.mcpToken}`,
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
  };
  return [
    { name: "nginx", ask: () => ({ path: "/metrics", right: [404] }) },
    { name: "home", ask: () => ({ path: "/hub/", headers: cookie, right: [200] }) },
    {
      name: "files",
      ask(n) {
        const path = `/files/${folder}/file-${n % 50}.txt`;
        const origin = { Origin: new URL(to.url).origin };
        if (n % 4 < 2)
          return {
            ...{ method: "PUT", path, body: `file ${n % 50}`, right: [201, 204, 200] },
            headers: { ...cookie, ...origin, "Content-Length": String(`file ${n % 50}`.length) },
          };
        return { path: "/files/", headers: cookie, right: [200] };
      },
    },
    {
      name: "code-server",
      ask: () => ({ path: "/code/healthz", headers: cookie, right: [200], says: "status" }),
    },
    {
      name: "mcp-server",
      ask(n) {
        const body = JSON.stringify({
          ...{ jsonrpc: "2.0", id: n, method: "tools/call" },
          params: {
            name: "write_code",
            arguments: {
              ...{ project: ".", path: `${folder}/call-${n % 50}.txt` },
              content: `call ${n}\n`,
            },
          },
        });
        return {
          ...{ method: "POST", path: "/mcp", body, right: [200], says: `"id":${n}` },
          headers: { ...bearer, "Content-Length": String(body.length) },
        };
      },
    },
  ];
}

/** @returns what is wrong with the answer */
function send(
  to: Outputs,
  wanted: LoadRequest,
  agent: Agent | undefined,
): Promise<string | undefined> {
  const name = new URL(to.url).hostname;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: to.ipAddress, port: 443, servername: name, ca: to.caCertificate },
        ...{ path: wanted.path, method: wanted.method ?? "GET", agent: agent ?? false },
        headers: { Host: name, ...wanted.headers },
        timeout: PATIENCE,
      },
      (incoming) => {
        let body = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (part: string) => {
          body += part;
        });
        incoming.on("error", reject);
        incoming.on("end", () => {
          const { statusCode = 0 } = incoming;
          const isRight = wanted.right.includes(statusCode) && body.includes(wanted.says ?? "");
          // A tool that fails answers 200 as well.
          if (isRight && !body.includes('"isError":true')) resolve(undefined);
          else resolve(`${statusCode} ${body.slice(0, 200)}`);
        });
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer in ${PATIENCE} ms`)));
    outgoing.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        new Error(
          `${error.code ?? ""} ${error.message}${outgoing.reusedSocket ? " (used before)" : ""}`,
        ),
      ),
    );
    outgoing.end(wanted.body);
  });
}

/** The servers that are measured, each started the way it is used. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bundleServers } from "../render/bundles.ts";
import type { Peers } from "./tools.ts";
import { type HttpAddress, httpLine, type Line, pipeLine } from "./wire.ts";

export interface Subject {
  /** Lines for that many calls at once; kept open and given again. */
  lines(count: number): Promise<Line[]>;
  /** Bytes of memory of the server's own process. */
  memory(): number;
  /** Where it listens. */
  address?: HttpAddress;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Folder for a CPU profile of our server, written when it ends. */
  profile?: string;
}

const token = "a-token-for-the-benchmark-0123456789";

/** Ours over HTTP with a token, bundled into one file as it is shipped. */
export async function startOurs(
  workspace: string,
  { profile }: StartOptions = {},
): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "aihub-bench-"));
  const file = join(folder, "mcp-server.mjs");
  await writeFile(file, (await bundleServers()).mcpServer);
  const child = spawn(
    process.execPath,
    [
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
      file,
      ...["--workspace", workspace, "--port", "0", "--token", token],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const port = Number(await lineWith(child, /:(\d+)\/mcp/));
  return httpSubject(child, { port, token }, () => rm(folder, { recursive: true, force: true }));
}

/** The official server on a pipe. */
export async function startOfficial(workspace: string, peers: Peers): Promise<Subject> {
  const child = spawn(process.execPath, [peers.official, workspace], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const line = await pipeLine(child);
  return {
    lines: async (count) => Array.from({ length: count }, () => line),
    memory: () => memoryOf(child),
    stop: () => ended(child),
  };
}

/** The official server behind supergateway. */
export async function startSupergateway(workspace: string, peers: Peers): Promise<Subject> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      peers.supergateway,
      ...["--stdio", `${process.execPath} ${peers.official} ${workspace}`],
      ...["--outputTransport", "streamableHttp", "--stateful", "--port", String(port)],
      ...["--logLevel", "none"],
    ],
    { stdio: ["ignore", "ignore", "ignore"], detached: true },
  );
  for (let tries = 0; ; tries++) {
    try {
      (await httpLine({ port, sessions: true })).close();
      break;
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
  }
  const subject = httpSubject(child, { port, sessions: true });
  return {
    ...subject,
    async stop() {
      // With the servers that it has started.
      process.kill(-(child.pid as number), "SIGKILL");
      await once(child, "exit");
    },
  };
}

function httpSubject(
  child: ChildProcess,
  address: HttpAddress,
  after: () => Promise<void> = async () => {},
): Subject {
  const open: Line[] = [];
  return {
    address,
    async lines(count) {
      while (open.length < count) open.push(await httpLine(address));
      return open.slice(0, count);
    },
    memory: () => memoryOf(child),
    async stop() {
      for (const line of open) line.close();
      await ended(child);
      await after();
    },
  };
}

function memoryOf(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s*(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

/** What the pattern's group finds in what the process says. */
function lineWith(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = "";
    child.stderr?.on("data", (chunk) => {
      seen += chunk;
      const found = pattern.exec(seen)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error(`the server did not start: ${seen}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

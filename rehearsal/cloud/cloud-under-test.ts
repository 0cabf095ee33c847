/** A cloud without containers on addresses of its own, spoken to over real HTTP. */
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silent } from "../../scripts/progress.ts";
import { ensureVersitygw } from "../../scripts/toolchain/versitygw.ts";
import type { DropletDriver } from "../droplet/driver.ts";
import { type RecordingDriver, recordingDriver } from "../droplet/recording-driver.ts";
import { type RunningCloud, startCloud } from "./server.ts";

export const TOKEN = "a-token-of-the-tests";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, field by field
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

export interface CloudUnderTest {
  driver: RecordingDriver;
  stateDir: string;
  url(): string;
  /** Address of object storage; throws without `spaces`. */
  spacesUrl(): string;
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** A call that must succeed; returns its body. */
  ok(method: string, path: string, body?: unknown): Promise<Json>;
  /** Waits until the action is over and returns it. */
  settled(answer: Json): Promise<Json>;
  /** An active droplet. */
  droplet(args?: Record<string, unknown>): Promise<Json>;
  /** Ends the daemon's part and starts another on the same state. */
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

/** Blocks above those of instances. */
const [FIRST_BLOCK, BLOCKS] = [240, 15];
/** Of each block an address and port that nothing else of a cloud listens on. */
const claimAt = (block: number) => ({ host: `127.${block}.0.3`, port: 4000 });

let claimed: Promise<number> | undefined;

/**
 * A block that no other test process has until this one ends, however it ends: two of them at the same addresses would answer
 * each other's calls.
 */
export function freeBlock(): Promise<number> {
  claimed ??= claimBlock();
  return claimed;
}

async function claimBlock(): Promise<number> {
  for (let tries = 0; tries < BLOCKS; tries += 1) {
    const block = FIRST_BLOCK + ((process.pid + tries) % BLOCKS);
    const claim = createServer();
    const isOurs = await new Promise<boolean>((resolve, reject) => {
      claim.once("error", (error: NodeJS.ErrnoException) =>
        error.code === "EADDRINUSE" ? resolve(false) : reject(error),
      );
      claim.listen(claimAt(block), () => resolve(true));
    });
    if (!isOurs) continue;
    claim.unref();
    return block;
  }
  throw new Error(`All ${BLOCKS} blocks of addresses are taken by other test processes`);
}

export async function cloudUnderTest(
  options: { delayMs?: number; block?: number; driver?: RecordingDriver; spaces?: boolean } = {},
): Promise<CloudUnderTest> {
  const stateDir = mkdtempSync(join(tmpdir(), "aihub-cloud-"));
  const driver = options.driver ?? recordingDriver();
  const block = options.block ?? (await freeBlock());
  const address = `127.${block}.0.2`;
  const spaces = options.spaces && {
    ...{ program: await ensureVersitygw(silent), addresses: [address] },
    port: await freePort(address),
  };
  const start = () =>
    startOn({
      ...{ stateDir, block, driver, delayMs: options.delayMs ?? 5 },
      ...(spaces ? { spaces } : {}),
    });
  let cloud = await start();

  const call: CloudUnderTest["call"] = async (method, path, body, token = TOKEN) => {
    const response = await fetch(`${cloud.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  };
  const ok: CloudUnderTest["ok"] = async (method, path, body) => {
    const answer = await call(method, path, body);
    if (answer.status > 299) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  };
  const settled: CloudUnderTest["settled"] = async (answer) => {
    const id = answer.action?.id ?? answer.links.actions[0].id;
    for (;;) {
      const { action } = await ok("GET", `/v2/actions/${id}`);
      if (action.status !== "in-progress") return action;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return {
    driver,
    stateDir,
    url: () => cloud.url,
    spacesUrl() {
      if (cloud.spacesUrl === undefined) throw new Error("a cloud without object storage");
      return cloud.spacesUrl;
    },
    call,
    ok,
    settled,
    async droplet(args = {}) {
      const made = await ok("POST", "/v2/droplets", {
        name: "hub",
        region: "nyc3",
        size: "s-2vcpu-4gb",
        image: "ubuntu-24-04-x64",
        ...args,
      });
      await settled(made);
      return (await ok("GET", `/v2/droplets/${made.droplet.id}`)).droplet;
    },
    async restart() {
      await cloud.close();
      cloud = await start();
    },
    async dispose() {
      await cloud.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

function startOn(args: {
  stateDir: string;
  block: number;
  driver: DropletDriver;
  delayMs: number;
  spaces?: NonNullable<Parameters<typeof startCloud>[0]["spaces"]>;
}): Promise<RunningCloud> {
  return startCloud({ ...args, token: TOKEN, port: 0 });
}

function freePort(host: string): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

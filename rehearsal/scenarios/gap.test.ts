/** Under steady load each service that can is replaced without one failed request; what never gets healthy replaces nothing. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beUp,
  changedCheckout,
  hub,
  hubOk,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
  startTimes,
} from "./hub.ts";
import { type LoadCount, sideDoors, startLoad } from "./steady-load.ts";

const folder = `gap-${process.pid}`;
let to: Outputs;
let session: Session;

beforeAll(async () => {
  await beUp();
  to = await outputs();
  session = await signIn(to);
});

afterAll(async () => {
  await hubOk(["up", "--yes"]);
  await onHost(`rm -rf /data/workspace/${folder}`);
});

const replace = (path: string, before: string, after: string) => async (root: string) => {
  const text = await readFile(join(root, path), "utf8");
  if (!text.includes(before)) throw new Error(`${path}: the change changes nothing`);
  await writeFile(join(root, path), text.replace(before, after));
};
const compose = (before: string, after: string) => replace("templates/compose.yaml", before, after);

/** Runs under load, a little before and after it too. */
async function underLoad<T>(work: () => Promise<T>): Promise<[T, Record<string, LoadCount>]> {
  const load = startLoad(to, sideDoors(to, session, folder));
  try {
    await sleep(2_000);
    const result = await work();
    await sleep(3_000);
    return [result, await load.stop()];
  } finally {
    await load.stop();
  }
}

/** Each door was asked, and answered as it must every time. */
function expectNoneFailed(what: string, counts: Record<string, LoadCount>): void {
  const lines = Object.entries(counts).map(
    ([door, { answered, failed, slowest }]) =>
      `${door}: ${answered} answered, ${failed.length} failed, the slowest after ${slowest} ms`,
  );
  process.stdout.write(`${what}\n  ${lines.join("\n  ")}\n`);
  expect(Object.values(counts).flatMap(({ failed }) => failed)).toEqual([]);
  for (const [door, { answered }] of Object.entries(counts))
    expect(answered, door).toBeGreaterThan(20);
}

const leftBehind = async () =>
  (
    await onHost(
      "docker ps -aq --filter label=aihub-stand-in; { iptables -t nat -S; iptables -S; } | grep aihub-stand-in || true; ls /opt/aihub/changing 2>/dev/null || true",
    )
  ).trim();

describe("a change under load", () => {
  it.each<[string, string[], (root: string) => Promise<void>]>([
    [
      "nginx's configuration",
      ["nginx"],
      replace("templates/nginx/pages/refused.html", "<h1>Not for this account</h1>", "<h1>No</h1>"),
    ],
    [
      "each service that has a stand-in",
      ["nginx", "mcp-server", "files", "code-server", "hub-server"],
      async (root) => {
        await compose("      HOST_NAME: ", '      CHANGED: "yes"\n      HOST_NAME: ')(root);
        await compose('UV_THREADPOOL_SIZE: "8"', 'UV_THREADPOOL_SIZE: "7"')(root);
        await compose(
          "      - --allow-all\n",
          "      - --allow-all\n      - --compress=low\n",
        )(root);
        await compose("--app-name=AI Hub", "--app-name=The Hub")(root);
        await compose("      READERS: ", '      SESSION_MS: "9000"\n      READERS: ')(root);
      },
    ],
  ])("of %s fails no request", async (what, services, change) => {
    const before = await startTimes();
    const changed = await changedCheckout(change);
    try {
      const [, counts] = await underLoad(() => hubOk(["up", "--yes"], { from: changed.root }));
      expectNoneFailed(what, counts);
    } finally {
      await changed.dispose();
    }
    const after = await startTimes();
    const id = (times: Record<string, string>, name: string) => times[name]?.split(" ")[0];
    for (const name of Object.keys(before).filter((one) => !services.includes(one)))
      expect(after[name], name).toBe(before[name]);
    const said = await onHost(
      `journalctl --identifier aihub --output cat --lines ${services.length}`,
    );
    process.stdout.write(`${said.replace(/^/gm, "  ")}\n`);
    for (const service of services) {
      expect(id(after, service), service).not.toBe(id(before, service));
      expect(said).toMatch(new RegExp(`^${service} changed in \\d+ s, without a gap$`, "m"));
    }
    expect(await leftBehind()).toBe("");
  });
});

describe("a change that never gets healthy", () => {
  it("fails no request, and what ran runs on untouched", async () => {
    await hubOk(["up", "--yes"]);
    const before = await startTimes();
    const changed = await changedCheckout(
      compose(
        "MCP_TOKEN_FILE: /run/secrets/mcp-token\n",
        "MCP_TOKEN_FILE: /run/secrets/no-such-token\n",
      ),
    );
    try {
      const [run, counts] = await underLoad(() => hub(["up", "--yes"], { from: changed.root }));
      expect(run.exitCode, run.all.slice(-3000)).not.toBe(0);
      expect(run.all).toMatch(/mcp-server: its stand-in is[\s\S]*not every service got healthy/);
      expectNoneFailed("a MCP server that never gets healthy", counts);
    } finally {
      await changed.dispose();
    }
    expect(await startTimes()).toEqual(before);
    expect(await leftBehind()).toBe("");
  });
});

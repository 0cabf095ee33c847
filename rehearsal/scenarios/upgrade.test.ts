/** The chat gets another version with data in it: one that works, and one whose migration fails and is taken back with its data. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ask,
  askJson,
  hub,
  hubOk,
  newChat,
  type Outputs,
  onHost,
  outputs,
  type Run,
  type Session,
  signIn,
  startTimes,
} from "./hub.ts";
import { newer, older, olderImage, upWithOlderChat } from "./older-chat.ts";

let to: Outputs;
let session: Session;
let chat: string;
/** Everything in the chat's database but who was seen when. */
let data: string;

/** The database's rows as text; of people only what does not change by looking. */
async function rowsOf(): Promise<string> {
  const dump =
    "pg_dump --username=hub --data-only --inserts --exclude-table=public.user --exclude-table=public.config --exclude-table=public.alembic_version hub";
  const sql = `SELECT id, email, role, name FROM \\"user\\" ORDER BY id`;
  return onHost(
    `docker exec aihub-postgres-1 ${dump} | grep '^INSERT' | sort; docker exec aihub-postgres-1 psql -U hub -At -c "${sql}"`,
  );
}

const sql = (text: string) =>
  onHost(`docker exec aihub-postgres-1 psql -U hub -q -v ON_ERROR_STOP=1 -c "${text}"`);

async function version(): Promise<string> {
  return (await askJson<{ version: string }>(to, "/api/version", { session })).version;
}

/** Seconds, as the rollout prints them. */
function away(run: Run): number {
  const seconds = /it was away for (\d+) s/.exec(run.all)?.[1];
  expect(seconds, run.all.slice(-3000)).toBeDefined();
  console.log(`the chat was away for ${seconds} s`);
  return Number(seconds);
}

/** What a stranger gets meanwhile at the login page, and a program with a token at the MCP server, each kind of answer once. */
async function watched<T>(
  work: () => Promise<T>,
): Promise<[T, Record<"chat" | "tools", Set<string>>]> {
  const seen = { chat: new Set<string>(), tools: new Set<string>() };
  const listTools = {
    method: "POST",
    headers: {
      Authorization: `Bearer ${to.mcpToken}`,
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
  };
  let over = false;
  const watch = (async () => {
    while (!over) {
      const page = await ask(to, "/");
      const title = /<title>(.*?)<\/title>/.exec(page.body)?.[1];
      seen.chat.add(page.status === 200 ? "200" : `${page.status} ${title}`);
      seen.tools.add(String((await ask(to, "/mcp", listTools)).status));
      await sleep(500);
    }
  })();
  try {
    const result = await work();
    return [result, seen];
  } finally {
    over = true;
    await watch;
  }
}

async function untouched(): Promise<void> {
  expect(await version()).toBe(older);
  expect(await rowsOf()).toBe(data);
  const read = await askJson<{ title: string }>(to, `/api/v1/chats/${chat}`, { session });
  expect(read.title).toBe("Kept over an upgrade");
  expect((await ask(to, "/files/kept.txt", { headers: { Cookie: session.cookie } })).body).toBe(
    "kept over an upgrade",
  );
  expect(await onHost("cd /data/hub/recovery && find . -maxdepth 2")).not.toMatch(
    /operation|upgrade|probe/,
  );
  expect(await onHost("ls /data/hub/door")).not.toMatch(/closed|probe/);
  expect(await onHost("docker exec aihub-postgres-1 psql -U hub -At -l")).not.toMatch(
    /rehearsal|before_upgrade|failed_upgrade/,
  );
}

beforeAll(async () => {
  await upWithOlderChat();
  await onHost("systemctl stop aihub-point.timer aihub-nightly.timer");
  to = await outputs();
  session = await signIn(to);
  expect(await version()).toBe(older);
  chat = await newChat(to, session, "Kept over an upgrade");
  await ask(to, "/files/kept.txt", {
    method: "PUT",
    headers: { Cookie: session.cookie },
    body: "kept over an upgrade",
  });
});

afterAll(async () => {
  await hubOk(["destroy", "--purge", "--yes"]);
});

describe("a version whose migration fails on this hub's data", () => {
  beforeAll(async () => {
    // The name of a table that the migration between the two makes.
    await sql("CREATE TABLE app (mine integer); INSERT INTO app VALUES (1)");
    data = await rowsOf();
    await hubOk(["config", "rm", "images.openWebui"]);
  });

  it("is found out on a copy, and nothing that runs is touched", async () => {
    const before = await startTimes();
    const run = await hub(["up", "--yes"]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/was tried out on a copy of the data and failed/);
    expect(run.all).toMatch(/already exists/);
    expect(await startTimes()).toEqual(before);
    await untouched();
  });

  it("is taken back by itself where it went without that, with the data as they were", async () => {
    await hubOk(["config", "set", "upgradeWithout", "rehearsal"]);
    const [run, seen] = await watched(() => hub(["up", "--yes"]));
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/does not get ready/);
    away(run);
    // A person is told to wait, and by nothing else; a model's tools do not wait.
    expect([...seen.chat].sort()).toEqual(["200", "503 The hub is being upgraded"]);
    expect([...seen.tools]).toEqual(["200"]);
    await untouched();
    await hubOk(["config", "rm", "upgradeWithout"]);
  });
});

describe("a version that works", () => {
  it("is tried out first, then taken, and everything is still there", async () => {
    await sql("DROP TABLE app");
    data = await rowsOf();
    const run = await hubOk(["up", "--yes"]);
    expect(run.all).toContain(`Open WebUI ${older} → ${newer}; it was away for`);
    away(run);
    expect(await version()).toBe(newer);
    const now = new Set((await rowsOf()).split("\n"));
    const gone = data.split("\n").filter((row) => !now.has(row));
    expect(gone).toEqual([]);
    const points = JSON.parse((await hubOk(["points", "--json"])).stdout) as { reason: string }[];
    expect(points.some(({ reason }) => reason === "before-upgrade")).toBe(true);
    await hubOk(["preview", "--expect-no-changes"]);
  });

  it("does not go back to the older one without the data of then", async () => {
    await hubOk(["config", "set", "images.openWebui", olderImage]);
    const before = await startTimes();
    const run = await hub(["up", "--yes"]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/is older than .*which its data have seen/);
    expect(await startTimes()).toEqual(before);
    await hubOk(["config", "rm", "images.openWebui"]);
  });
});

/** What was lost is brought back from a recovery point: one file, one project, the chats, the whole hub; killed on the way or not. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  ask,
  askJson,
  beUp,
  holdTimers,
  hub,
  hubOk,
  newChat,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
  startTimers,
} from "./hub.ts";

let to: Outputs;
let session: Session;
/** Ended before the point was made, and after it. */
let endedBefore: Session;
let endedAfter: Session;
let chat: string;
let point: string;
/** Everything of the workspace: names, owners, modes, content. */
let workspace: string;
let rows: string;

interface Taken {
  point: { name: string; database: { tables: Record<string, number> } };
  snapshot: string;
}

const database = (sql: string) =>
  onHost(`docker exec aihub-postgres-1 psql --username=hub --no-align --tuples-only -c "${sql}"`);
const people = () =>
  database(
    `SELECT 'chat', id, title FROM chat UNION ALL SELECT 'file', id, filename FROM file UNION ALL SELECT 'user', id, email FROM \\"user\\" ORDER BY 1, 2`,
  );
const inWorkspace = () =>
  onHost(
    "cd /data/workspace && find . -path ./.aihub -prune -o -printf '%p %U:%G %m %y\\n' | sort && find . -path ./.aihub -prune -o -type f -print0 | sort -z | xargs -0 sha256sum",
  );
const status = async (who: Session) =>
  (await ask(to, "/files/", { headers: { Cookie: who.cookie } })).status;

async function put(path: string, body: string): Promise<void> {
  const answer = await ask(to, `/files/${path}`, {
    method: "PUT",
    headers: { Cookie: session.cookie },
    body,
  });
  expect(answer.status, path).toBeLessThan(300);
}

async function upload(name: string, content: string): Promise<string> {
  const body = [
    "--edge",
    `Content-Disposition: form-data; name="file"; filename="${name}"`,
    "Content-Type: text/plain",
    "",
    content,
    "--edge--",
    "",
  ].join("\r\n");
  const answer = await ask(to, "/api/v1/files/?process=false", {
    method: "POST",
    headers: {
      Cookie: session.cookie,
      Accept: "application/json",
      "Content-Type": "multipart/form-data; boundary=edge",
    },
    body,
  });
  expect(answer.status, answer.body).toBe(200);
  return (JSON.parse(answer.body) as { id: string }).id;
}

async function signedOut(): Promise<Session> {
  const who = await signIn(to);
  await ask(to, "/api/v1/auths/signout", { method: "POST", headers: { Cookie: who.cookie } });
  return who;
}

async function restored<T>(...words: string[]): Promise<T> {
  return JSON.parse((await hubOk(["restore", ...words, "--yes", "--json"])).stdout) as T;
}

beforeAll(async () => {
  await beUp();
  // Nobody else takes points meanwhile.
  await holdTimers();
  to = await outputs();
  session = await signIn(to);
  await ask(to, "/files/lost-project", { method: "MKCOL", headers: { Cookie: session.cookie } });
  await put("lost-project/plan.md", "# The plan\n");
  await put("lost-project/b%20%5B1%5D.txt", "brackets");
  await onHost("chmod 0750 /data/workspace/lost-project/plan.md");
  chat = await newChat(to, session, "Kept in a point");
  await upload("kept.txt", "kept in a point");
  endedBefore = await signedOut();
  const taken = JSON.parse((await hubOk(["point", "--json"])).stdout) as Taken;
  point = taken.snapshot.slice(0, 12);
  workspace = await inWorkspace();
  rows = await people();
  expect(taken.point.database.tables["public.chat"]).toBeGreaterThan(0);
});

afterAll(startTimers);

/** Every service; whether an escrow was made is another question. */
async function healthy(): Promise<void> {
  const status = async () =>
    (JSON.parse((await hub(["status", "--json"])).stdout) as { healthy: boolean }).healthy;
  await expect.poll(status, { timeout: 300_000, interval: 2_000 }).toBe(true);
}

/** What a bad day does. */
async function spoil(): Promise<void> {
  await put("lost-project/plan.md", "# Another plan, by mistake\n");
  await onHost("rm -rf /data/workspace/lost-project");
  await put("unwanted.txt", "was not there");
  await ask(to, `/api/v1/chats/${chat}`, {
    method: "DELETE",
    headers: { Cookie: session.cookie },
  });
  await newChat(to, session, "Was not there");
  await upload("unwanted.txt", "was not there");
}

describe("before anything is brought back", () => {
  it("the point is listed", async () => {
    const { stdout } = await hubOk(["points", "--json"]);
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({ id: point.slice(0, 8), reason: "manual" }),
    );
  });

  it("nobody overwrites by accident", async () => {
    const run = await hub(["restore", "hub", "--point", point]);
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toMatch(/all chats, files, projects.*\n.*--yes/s);
  });

  it("what would change is shown, and nothing is changed", async () => {
    await spoil();
    const [files, database] = [await inWorkspace(), await people()];
    const points = (await hubOk(["points", "--json"])).stdout;
    const { stdout } = await hubOk(["restore", "hub", "--point", point, "--dry-run", "--json"]);
    const preview = JSON.parse(stdout);
    expect(preview.files["workspace/lost-project"]).toEqual({ added: 2, changed: 0, removed: 0 });
    expect(preview.files.workspace).toMatchObject({ removed: 1 });
    const { now, inPoint } = preview.rows["public.file"];
    expect(now).toBe(inPoint + 1);
    expect([await inWorkspace(), await people()]).toEqual([files, database]);
    expect((await hubOk(["points", "--json"])).stdout).toBe(points);
  });
});

describe("brought back by itself", () => {
  it("a file, beside others that stay", async () => {
    await restored("file", "lost-project/b [1].txt", "--point", point);
    expect(await onHost("ls /data/workspace/lost-project")).toBe("b [1].txt");
    expect(await onHost("cat '/data/workspace/lost-project/b [1].txt'")).toBe("brackets");
  });

  it("a project, with what was there kept aside", async () => {
    const { setAside } = await restored<{ setAside: string }>(
      "project",
      "lost-project",
      "--point",
      point,
    );
    expect(await onHost(`ls ${setAside}`)).toBe("b [1].txt");
    await onHost("rm /data/workspace/unwanted.txt");
    expect(await inWorkspace()).toBe(workspace);
  });

  it("a project under another name", async () => {
    await restored("project", "lost-project", "--as", "found-project", "--point", point);
    expect(
      await onHost(
        "diff -r /data/workspace/lost-project /data/workspace/found-project && echo same",
      ),
    ).toBe("same");
    await onHost("rm -rf /data/workspace/found-project");
  });

  it("files to look at, without touching any", async () => {
    const { folder } = await restored<{ folder: string }>(
      "look",
      "lost-project/plan.md",
      "--point",
      point,
    );
    expect(await onHost(`cat ${folder}/workspace/lost-project/plan.md`)).toBe("# The plan");
    // A look is left to who looks.
    await onHost(`rm -r ${folder}`);
    expect(await inWorkspace()).toBe(workspace);
  });

  it("nothing that is not there, nor outside the workspace", async () => {
    for (const path of ["never/was", "../etc/passwd", ".aihub/history.db"]) {
      const run = await hub(["restore", "file", path, "--point", point, "--yes"]);
      expect(run.exitCode, path).not.toBe(0);
      expect(run.stderr).toMatch(/✘ .*\n {2}fix: /);
    }
    expect(await inWorkspace()).toBe(workspace);
  });

  it("the chats, with the files of the workspace as they are", async () => {
    await put("newer.txt", "stays");
    await restored("chats", "--point", point);
    expect(await people()).toBe(rows);
    expect(await onHost("cat /data/workspace/newer.txt")).toBe("stays");
    const found = await askJson<{ title: string }>(to, `/api/v1/chats/${chat}`, { session });
    expect(found.title).toBe("Kept in a point");
  });
});

describe("the whole hub", () => {
  let present: string;

  it("is as it was, to the byte, and says so in numbers", async () => {
    await spoil();
    endedAfter = await signedOut();
    const done = await restored<{
      rows: Record<string, number>;
      pointOfThePresent: string;
      files: { removed: number };
    }>("hub", "--point", point);
    present = done.pointOfThePresent;
    expect(await people()).toBe(rows);
    expect(await inWorkspace()).toBe(workspace);
    expect(done.rows["public.chat"]).toBe(
      rows.split("\n").filter((row) => row.startsWith("chat|")).length,
    );
    expect(done.files.removed).toBeGreaterThan(0);
    await healthy();
    await hubOk(["preview", "--expect-no-changes"]);
  });

  it("lets in who was signed in, and nobody who signed out, before the point or after", async () => {
    expect(await status(session)).toBe(200);
    for (const ended of [endedBefore, endedAfter]) expect(await status(ended)).not.toBe(200);
    const keys = await onHost(
      "docker exec aihub-valkey-1 sh -c 'REDISCLI_AUTH=$(cat /run/secrets/password) valkey-cli --scan --pattern \"*:revoked\"'",
    );
    expect(keys.trim().split("\n").length).toBeGreaterThanOrEqual(2);
  });

  it("has a history that the workspace's tools go on with", async () => {
    const answer = await ask(to, "/mcp", {
      method: "POST",
      headers: {
        Authorization: `Bearer ${to.mcpToken}`,
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }),
    });
    expect(answer.status).toBe(200);
    expect(
      await onHost("find /data/workspace/.aihub -maxdepth 1 -name 'history.db' -printf '%U'"),
    ).toBe("1000");
  });

  it("can be had again as it was before it was brought back", async () => {
    await restored("hub", "--point", present.slice(0, 12));
    expect(await people()).toMatch(/Was not there/);
    expect(await onHost("cat /data/workspace/unwanted.txt")).toBe("was not there");
  });
});

describe("killed on the way", () => {
  // A restore has started the timers again, and one of them ends every second minute what was killed.
  beforeEach(holdTimers);

  it.each([
    ["load", "as it was before"],
    ["database", "as the point has it"],
  ])("at %s: the next run ends with everything %s", async (step, ending) => {
    await spoil().catch(() => {});
    const before = [await people(), await inWorkspace()];
    const crash = await onHost(
      `AIHUB_CRASH_AFTER=${step} aihub-recovery restore hub --point ${point} >/dev/null 2>&1; echo $?`,
    );
    expect(crash.trim()).not.toBe("0");
    expect(await onHost("cat /data/hub/recovery/operation.json")).toContain(`"step": "${step}"`);
    await onHost("systemctl start aihub-unfinished.service");
    expect(await onHost("ls /data/hub/recovery/operation.json 2>/dev/null || echo ended")).toBe(
      "ended",
    );
    const expected = ending === "as it was before" ? before : [rows, workspace];
    expect([await people(), await inWorkspace()]).toEqual(expected);
    await healthy();
    const left = await database("SELECT datname FROM pg_database WHERE datname LIKE 'hub_%'");
    expect(left.trim()).toBe("");
  });
});

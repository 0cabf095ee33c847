/** The log of every call. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, expect, it } from "vitest";
import { Audit } from "../src/access/audit.ts";

const parent = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
afterAll(() => rmSync(parent, { recursive: true, force: true }));
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(parent, `audit-${count++}`);
});
const lines = (name = "audit.jsonl") =>
  readFileSync(join(folder, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

it("writes a line for each call within a moment, for its owner only", async () => {
  const audit = new Audit(folder);
  audit.record({ token: "ci", tool: "read_code", path: 'a "b"\n\u0007', outcome: "ok", ms: 1.5 });
  audit.record({ token: "ci", tool: "read_code", user: undefined, outcome: "denied" });
  await sleep(400);
  expect(lines()).toMatchObject([
    { token: "ci", tool: "read_code", path: 'a "b"\n\u0007', outcome: "ok", ms: 1.5 },
    { outcome: "denied" },
  ]);
  expect(Date.parse(lines()[0].time)).toBeCloseTo(Date.now(), -4);
  expect(statSync(join(folder, "audit.jsonl")).mode & 0o777).toBe(0o600);
  audit.close();
});

it("loses nothing when it is closed", () => {
  const audit = new Audit(folder);
  for (let call = 0; call < 1000; call++) audit.record({ tool: String(call), outcome: "ok" });
  audit.close();
  expect(lines()).toHaveLength(1000);
});

it("begins a new file when one is full, and keeps only so many", async () => {
  const audit = new Audit(folder, { file: 1000, files: 3 });
  for (let round = 0; round < 10; round++) {
    for (let call = 0; call < 30; call++) audit.record({ tool: `${round}`, outcome: "ok" });
    audit.flush();
    await sleep(2);
  }
  audit.close();
  const names = readdirSync(folder).sort();
  expect(names).toHaveLength(3);
  expect(lines()[0].tool).toBe("9");
  expect(lines(names[0])).toHaveLength(30);
});

it("goes on in the new file when another process has begun one", () => {
  const [one, two] = [0, 1].map(() => new Audit(folder, { file: 1000, files: 9 })) as [
    Audit,
    Audit,
  ];
  for (let call = 0; call < 60; call++) {
    one.record({ tool: `one ${call}`, outcome: "ok" });
    one.flush();
    two.record({ tool: `two ${call}`, outcome: "ok" });
    two.flush();
  }
  one.close();
  two.close();
  const tools = readdirSync(folder).flatMap((name) => lines(name).map(({ tool }) => tool));
  expect(new Set(tools).size).toBe(tools.length);
  // Nine files of a thousand bytes hold this many.
  expect(tools.length).toBeGreaterThan(90);
});

it.skipIf(process.getuid?.() === 0)(
  "says once that it cannot be written, and goes on when it can",
  () => {
    const said: string[] = [];
    chmodSync(parent, 0o500);
    const audit = new Audit(folder, undefined, (line) => said.push(line));
    for (let call = 0; call < 3; call++) {
      audit.record({ tool: "x", outcome: "ok" });
      audit.flush();
    }
    expect(said).toHaveLength(1);
    chmodSync(parent, 0o700);
    audit.close();
    expect(lines()).toHaveLength(3);
  },
);

it("says once that it cannot be written when its folder is a file", () => {
  const said: string[] = [];
  const audit = new Audit("/dev/null/audit", undefined, (line) => said.push(line));
  for (let call = 0; call < 3; call++) {
    audit.record({ tool: "x", outcome: "ok" });
    audit.flush();
  }
  audit.close();
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/cannot be written.*Calls go on/);
});

it("writes nothing where there is no folder", () => {
  const audit = new Audit(undefined);
  audit.record({ outcome: "ok" });
  audit.close();
});

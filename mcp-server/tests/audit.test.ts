/** The log of every call. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
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

it("keeps what it has just closed also where the clock was set back", () => {
  mkdirSync(folder);
  // Of an older server, without numbers, and of one whose clock was ahead.
  for (const name of ["2099-01-01T00-00-00.000Z-aaaaaaaa", "00000007-2099-01-02T00-00-00.000Z-bb"])
    writeFileSync(join(folder, `audit-${name}.jsonl`), '{"tool":"old"}\n');
  const audit = new Audit(folder, { file: 10, files: 3 });
  for (const tool of ["first", "second", "third"]) {
    audit.record({ tool, outcome: "ok" });
    audit.flush();
  }
  audit.close();
  const closed = readdirSync(folder).filter((name) => name.startsWith("audit-"));
  expect(closed.map((name) => name.slice(0, 15)).sort()).toEqual([
    "audit-00000008-",
    "audit-00000009-",
  ]);
  expect(closed.flatMap((name) => lines(name).map(({ tool }) => tool)).sort()).toEqual([
    "first",
    "second",
  ]);
});

it("keeps only the current file when no other is wanted", () => {
  const audit = new Audit(folder, { file: 10, files: 1 });
  for (const tool of ["first", "second", "third"]) {
    audit.record({ tool, outcome: "ok" });
    audit.flush();
  }
  audit.close();
  expect(readdirSync(folder)).toEqual(["audit.jsonl"]);
});

it.each([
  ["its folder", (outside: string) => symlinkSync(outside, folder)],
  [
    "the folder above",
    (outside: string) => {
      mkdirSync(join(outside, basename(folder)));
      renameSync(parent, `${parent}-moved`);
      symlinkSync(outside, parent);
    },
  ],
  [
    "its file",
    (outside: string) => {
      mkdirSync(folder);
      symlinkSync(join(outside, "file"), join(folder, "audit.jsonl"));
    },
  ],
])("writes nowhere else when %s becomes a link", (_what, swap) => {
  const outside = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
  const said: string[] = [];
  const audit = new Audit(folder, undefined, (line) => said.push(line));
  swap(outside);
  audit.record({ tool: "x", outcome: "ok" });
  audit.close();
  const reached = (readdirSync(outside, { recursive: true }) as string[]).filter((name) =>
    /file|jsonl/.test(name),
  );
  if (lstatSync(parent).isSymbolicLink()) {
    rmSync(parent);
    renameSync(`${parent}-moved`, parent);
  }
  rmSync(outside, { recursive: true });
  expect(reached).toEqual([]);
  expect(said).toEqual([expect.stringMatching(/cannot be written.*Calls go on/)]);
});

it("goes through a link that was there from the start, as the operator has put it", () => {
  const elsewhere = mkdtempSync(join(parent, "elsewhere-"));
  symlinkSync(elsewhere, folder);
  const audit = new Audit(folder);
  audit.record({ tool: "x", outcome: "ok" });
  audit.close();
  expect(readdirSync(elsewhere)).toEqual(["audit.jsonl"]);
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

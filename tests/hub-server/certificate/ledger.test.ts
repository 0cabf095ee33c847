import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { budgetOf } from "../../../hub-server/certificate/budget.ts";
import { Ledger, type LedgerEntry } from "../../../hub-server/certificate/ledger.ts";
import { DAY, HOUR, MINUTE, server } from "./world.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-ledger-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  path = join(folder, "state", "ledger.jsonl");
  await rm(path, { force: true });
});

const start = Date.parse("2026-12-01T00:00:00Z");
const entry = (at: number, outcome: LedgerEntry["outcome"], id = String(at)): LedgerEntry => ({
  ...{ at, id, outcome, request: "order", server },
});

it("is there after a restart, with start and end of each run", async () => {
  const ledger = await Ledger.open(path);
  await ledger.add(entry(start, "started", "a"));
  await ledger.add({ ...entry(start + MINUTE, "failed", "a"), message: "why" });
  await ledger.add(entry(start + HOUR, "started", "b"));
  const again = (await Ledger.open(path)).runs();
  expect(again).toEqual(ledger.runs());
  expect(again).toMatchObject([
    { id: "a", startedAt: start, endedAt: start + MINUTE, outcome: "failed", message: "why" },
    { id: "b", outcome: "started", endedAt: undefined },
  ]);
});

it("leaves out a line that was cut short, and goes on behind it", async () => {
  const ledger = await Ledger.open(path);
  await ledger.add(entry(start, "issued"));
  await appendFile(path, '{"at":17');
  const again = await Ledger.open(path);
  await again.add(entry(start + HOUR, "failed"));
  expect((await Ledger.open(path)).runs()).toHaveLength(2);
});

it("says so when it is damaged", async () => {
  await (await Ledger.open(path)).add(entry(start, "issued"));
  await writeFile(path, `nonsense\n${await readFile(path, "utf8")}`);
  await expect(Ledger.open(path)).rejects.toThrow(/line 1, is damaged.*Nothing is ordered/);
});

it("does not grow for ever, and keeps what was issued last", async () => {
  await (await Ledger.open(path)).add(entry(start, "issued"));
  const old = Array.from({ length: 2_000 }, (_, day) => entry(start + day * HOUR, "nothing"));
  await appendFile(path, old.map((each) => `${JSON.stringify(each)}\n`).join(""));
  const ledger = await Ledger.open(path);
  await ledger.add(entry(start + 2_000 * HOUR, "failed"));
  const left = (await Ledger.open(path)).runs();
  expect(left.length).toBeLessThan(900);
  expect(left.some(({ outcome }) => outcome === "issued")).toBe(true);
});

it.each<[string, [number, LedgerEntry["outcome"]][], number]>([
  ["nothing happened", [], 0],
  ["one failed", [[0, "failed"]], 15 * MINUTE],
  [
    "two failed",
    [
      [-20 * MINUTE, "failed"],
      [0, "failed"],
    ],
    HOUR,
  ],
  [
    "two failed, but one long ago",
    [
      [-20 * DAY, "failed"],
      [-10 * DAY, "issued"],
      [0, "failed"],
    ],
    15 * MINUTE,
  ],
  [
    "three failed",
    [
      [-5 * HOUR, "failed"],
      [-2 * HOUR, "failed"],
      [0, "failed"],
    ],
    4 * HOUR,
  ],
  [
    "seven failed",
    Array.from({ length: 7 }, (_, n) => [n * DAY - 6 * DAY, "failed"] as [number, "failed"]),
    DAY,
  ],
  ["one began and never ended", [[0, "started"]], 15 * MINUTE],
  [
    "three were issued",
    [
      [-3 * DAY, "issued"],
      [-2 * DAY, "issued"],
      [0, "issued"],
    ],
    4 * DAY,
  ],
  [
    "four were issued",
    [
      [-3 * DAY, "issued"],
      [-2 * DAY, "issued"],
      [-DAY, "issued"],
      [0, "issued"],
    ],
    5 * DAY,
  ],
])("the next order: %s", (_what, entries, from) => {
  const runs = entries.map(([at, outcome]) => ({
    ...{ id: String(at), request: "order" as const, server, message: undefined, outcome },
    ...{ startedAt: start + at, endedAt: outcome === "started" ? undefined : start + at },
  }));
  expect(budgetOf(runs, server, start).from - start).toBe(from);
});

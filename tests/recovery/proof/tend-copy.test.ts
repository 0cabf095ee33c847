/** The second copy after a night, over the real restic. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Repository } from "../../../recovery/repository/restic.ts";
import { useHostFolders } from "../host-folders.ts";
import { type Fixture, makeFixture, PASSWORD, packsOf, point } from "../repository/fixture.ts";
import { hub, STAGING, snapshotOf } from "./snapshots.ts";

const host = useHostFolders();
const progress = { step: <T>(_: string, work: () => Promise<T>) => work(), note: () => {} };
const keep = { hourly: 1, daily: 1, weekly: 1, monthly: 1 };

let fixture: Fixture;
let count = 0;

beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture?.remove());

async function madeCopy(): Promise<{ copy: Repository; ids: string[] }> {
  // Whose errors are those that the modules of this test know.
  const { openRepository } = await import("../../../recovery/repository/restic.ts");
  const copy = openRepository({
    program: fixture.program,
    location: join(fixture.folder, `copy-${count++}`),
    password: PASSWORD,
    cacheDir: join(fixture.folder, "cache"),
  });
  await copy.ensure();
  // They are this hub's own.
  await host.put(
    "data/hub/recovery/standing.json",
    JSON.stringify({ enabled: true, since: "2025-12-01T00:00:00.000Z" }),
  );
  await host.put(
    "data/hub/recovery/point/point.json",
    String(snapshotOf(hub()).get(`${STAGING}/point.json`)),
  );
  const ids: string[] = [];
  for (const time of ["2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z"]) {
    const { snapshotId = "" } = await point(copy, host.at("data"), { time: new Date(time) });
    ids.push(snapshotId);
  }
  return { copy, ids };
}

async function tended(copy: Repository, snapshot: string | undefined) {
  const { tendCopy } = await import("../../../recovery/proof/tend-copy.ts");
  const { standing } = await import("../../../recovery/report.ts");
  return { whole: await tendCopy(copy, snapshot, keep, progress), state: await standing() };
}

it("is read back, and lets old points go", async () => {
  const { copy, ids } = await madeCopy();
  const { whole, state } = await tended(copy, ids[1]);
  expect(whole).toBe(true);
  expect(state).not.toHaveProperty("copyCheckProblem");
  // What is told of the first place is not meant.
  expect(state).not.toHaveProperty("lastPrune");
  expect(state).not.toHaveProperty("lastCheck");
  expect((await copy.snapshots()).map(({ id }) => id)).toEqual([ids[1]]);
});

it("lacks what was sent there", async () => {
  const { copy, ids } = await madeCopy();
  await copy.remove([ids[1] ?? ""]);
  const { whole, state } = await tended(copy, ids[1]);
  expect(whole).toBe(false);
  expect(state.copyCheckProblem?.what).toMatch(/^snapshot .{8}, just sent there, is not in it/);
  expect(state).not.toHaveProperty("checkProblem");
});

it("does not give back what was sent there, until it does", async () => {
  const { copy, ids } = await madeCopy();
  const packs = await packsOf(copy);
  const contents = await Promise.all(packs.map((pack) => readFile(pack)));
  for (const pack of packs) {
    await chmod(pack, 0o600);
    await writeFile(pack, "no pack");
  }
  const broken = await tended(copy, ids[1]);
  expect(broken.whole).toBe(false);
  expect(broken.state.copyCheckProblem).toBeDefined();
  expect(broken.state.copyPruneProblem).toBeDefined();
  for (const [index, pack] of packs.entries()) await writeFile(pack, contents[index] ?? "");
  const [{ id = "" } = {}] = (await copy.snapshots()).toReversed();
  const mended = await tended(copy, id);
  expect(mended.whole).toBe(true);
  expect(mended.state).not.toHaveProperty("copyCheckProblem");
  expect(mended.state).not.toHaveProperty("copyPruneProblem");
});

it("gets room when it was full, and nothing else", async () => {
  const { copy, ids } = await madeCopy();
  expect((await tended(copy, undefined)).whole).toBe(true);
  expect((await copy.snapshots()).map(({ id }) => id)).toEqual([ids[1]]);
});

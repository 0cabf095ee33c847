/** What is kept, by the real restic, over points of a year and a half. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Snapshot } from "../../../recovery/repository/answers.ts";
import type { Repository } from "../../../recovery/repository/restic.ts";
import { retain } from "../../../recovery/repository/retention.ts";
import { type Fixture, makeFixture, packsOf, point, writeNoise } from "./fixture.ts";

const never = { lastPrune: null, failingSince: null };
const day = (date: string) => new Date(`${date}T01:30:00Z`);

let fixture: Fixture;
let repository: Repository;
let count = 0;

beforeAll(async () => {
  fixture = await makeFixture();
  await writeFile(join(fixture.source, "file"), "content");
});
beforeEach(async () => {
  repository = fixture.open(`repository-${count++}`);
  await repository.ensure();
});
afterAll(() => fixture?.remove());

const times = (snapshots: readonly Snapshot[]) =>
  snapshots.map(({ time }) => new Date(time).toISOString().slice(0, 16)).sort();

test("the last of each hour, day, week and month, as many as the policy says", async () => {
  const made = [
    "2025-06-30T01:30",
    "2025-07-31T01:30",
    "2026-01-10T01:30",
    "2026-01-31T01:30",
    "2026-02-10T01:30",
    "2026-02-11T00:10",
    "2026-02-11T00:40",
    "2026-02-11T01:40",
    "2026-02-11T02:40",
  ];
  // Made on different machines, and not in order.
  for (const [index, time] of [...made].reverse().entries())
    await repository.backup({
      paths: [fixture.source],
      tags: ["aihub", `reason:${index % 2 ? "scheduled" : "nightly"}`],
      host: `hub-${index % 2}`,
      time: new Date(`${time}:00Z`),
    });
  const policy = { hourly: 2, daily: 2, weekly: 2, monthly: 3 };
  const planned = await repository.forget(policy, { dryRun: true });
  expect((await repository.snapshots()).length).toBe(made.length);
  const { kept, removed } = await repository.forget(policy);
  expect(times(kept)).toEqual(times(planned.kept));
  expect(times(kept)).toEqual([
    // The third month that has one; the second week; the second day; the second hour; the newest.
    ...["2025-07-31T01:30", "2026-01-31T01:30", "2026-02-10T01:30"],
    ...["2026-02-11T01:40", "2026-02-11T02:40"],
  ]);
  expect(times(removed)).toEqual(made.filter((time) => !times(kept).includes(time)));
  expect(times(await repository.snapshots())).toEqual(times(kept));
});

test("never fewer than the newest, nor what is marked to be kept, nor what is not the hub's", async () => {
  await point(repository, fixture.source, { time: day("2020-01-01"), tags: ["keep"] });
  await point(repository, fixture.source, { time: day("2020-01-02") });
  await repository.backup({
    paths: [fixture.source],
    tags: ["somebody"],
    host: "else",
    time: day("2020-01-03"),
  });
  await point(repository, fixture.source, { time: day("2020-01-04") });
  await repository.forget({ hourly: 0, daily: 0, weekly: 0, monthly: 0 });
  expect(times(await repository.snapshots())).toEqual([
    "2020-01-01T01:30",
    "2020-01-03T01:30",
    "2020-01-04T01:30",
  ]);
});

test("a point of before an act stays for a month, beside the others of its hour", async () => {
  const at = (time: string, reason: string) =>
    point(repository, fixture.source, {
      time: new Date(`${time}:00Z`),
      tags: [`reason:${reason}`],
    });
  await at("2025-12-01T10:10", "before-upgrade");
  await at("2026-01-31T10:10", "before-restore");
  await at("2026-01-31T10:20", "before-replacement");
  await at("2026-01-31T10:30", "scheduled");
  await at("2026-01-31T10:45", "scheduled");
  const { kept, removed } = await repository.forget({ hourly: 1, daily: 1, weekly: 1, monthly: 1 });
  const stay = ["2026-01-31T10:10", "2026-01-31T10:20", "2026-01-31T10:45"];
  expect(times(kept)).toEqual(stay);
  expect(times(removed)).toEqual(["2025-12-01T10:10", "2026-01-31T10:30"]);
  expect(times(await repository.snapshots())).toEqual(stay);
});

test("points of acts take the place of no point by the clock", async () => {
  for (const date of ["2026-01-30", "2026-01-31", "2026-02-28", "2026-05-20"]) {
    for (const [time, reason] of [
      ["10:00", "scheduled"],
      ["23:50", "manual"],
    ])
      await point(repository, fixture.source, {
        time: new Date(`${date}T${time}:00Z`),
        tags: [`reason:${reason}`],
      });
  }
  const { kept } = await repository.forget({ hourly: 2, daily: 2, weekly: 2, monthly: 3 });
  expect(times(kept)).toEqual([
    ...["2026-01-31T10:00", "2026-02-28T10:00", "2026-05-20T10:00", "2026-05-20T23:50"],
  ]);
  expect(times(await repository.snapshots())).toEqual(times(kept));
});

test("the space of what went is given back", async () => {
  const big = join(fixture.source, "big");
  await writeNoise(big, 2_000_000);
  await point(repository, fixture.source, { time: day("2026-01-01") });
  await writeNoise(big, 2_000_000);
  await point(repository, fixture.source, { time: day("2026-01-02") });
  const before = (await repository.stats()).bytesStored;
  const now = new Date("2026-01-02T04:00:00Z");
  const result = await retain(
    repository,
    { hourly: 1, daily: 1, weekly: 1, monthly: 1 },
    { lastPrune: null, failingSince: "2025-12-24T00:00:00.000Z" },
    { now },
  );
  expect(result).toMatchObject({
    lastPrune: now.toISOString(),
    failingSince: null,
    problem: null,
    failure: null,
  });
  expect([result.kept.length, result.removed.length]).toEqual([1, 1]);
  const after = await repository.stats();
  expect(after.bytesStored).toBeLessThan(before - 1_900_000);
  expect((await packsOf(repository)).length).toBeGreaterThan(0);
  expect(await repository.check({ subset: "1/1" })).toMatchObject({ ok: true });
});

test("failing is told once it has lasted for more than three days", async () => {
  const gone = fixture.open("not-there");
  const policy = { hourly: 1, daily: 1, weekly: 1, monthly: 1 };
  const first = await retain(gone, policy, never, { now: day("2026-01-01") });
  expect(first).toMatchObject({
    lastPrune: null,
    failingSince: day("2026-01-01").toISOString(),
    problem: null,
    failure: { kind: "missing" },
  });
  const third = await retain(gone, policy, first, { now: day("2026-01-04") });
  expect(third.problem).toBeNull();
  const fourth = await retain(gone, policy, third, { now: day("2026-01-05") });
  expect(fourth.problem).toMatch(/since 2026-01-01: .*holds no repository/);
  expect(fourth.failingSince).toBe(first.failingSince);
});

/** What a hub lets go of the points of one that it stands in for, over the real restic. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { useHostFolders } from "../host-folders.ts";
import { type Fixture, makeFixture, PASSWORD, point } from "../repository/fixture.ts";

const host = useHostFolders();
const HOUR = 3_600_000;
const progress = { step: <T>(_: string, work: () => Promise<T>) => work(), note: () => {} };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture?.remove());

/** A hub that began `age` ago beside the points of another one. @returns how many of those are left after its night */
async function leftAfterANight(name: string, age: number, broughtBack: boolean): Promise<number> {
  const since = new Date(Date.now() - age);
  await host.put(
    "data/hub/recovery/standing.json",
    JSON.stringify({ enabled: true, since: since.toISOString() }),
  );
  const { openRepository } = await import("../../../recovery/repository/restic.ts");
  const { letGo } = await import("../../../recovery/point/let-go.ts");
  const { noteBroughtBack } = await import("../../../recovery/point/points-of-before.ts");
  const repository = openRepository({
    program: fixture.program,
    location: `${fixture.folder}/${name}`,
    password: PASSWORD,
    cacheDir: `${fixture.folder}/cache`,
  });
  await repository.ensure();
  const ofBefore = await point(repository, fixture.source, {
    time: new Date(since.getTime() - HOUR),
  });
  for (const hours of [1, 2]) {
    const time = new Date(since.getTime() + hours * HOUR);
    await point(repository, fixture.source, { time });
  }
  if (broughtBack) await noteBroughtBack("2026-11-25T02-00-00Z-nightly");
  await letGo(repository, { hourly: 1, daily: 1, weekly: 1, monthly: 1 }, progress);
  const { standing } = await import("../../../recovery/report.ts");
  expect(Date.parse((await standing()).lastPrune ?? "")).toBeGreaterThan(Date.now() - HOUR);
  const left = await repository.snapshots();
  return left.filter(({ id }) => id === ofBefore.snapshotId).length;
}

it.each([
  ["keeps them until the hub was brought back", 3 * HOUR, false, 1],
  ["lets them go once it was", 3 * HOUR, true, 0],
  ["does not wait for ever", 8 * 24 * HOUR, false, 0],
])("%s", async (name, age, broughtBack, left) => {
  // All on one day and in one month, as the policy of this test counts.
  expect(await leftAfterANight(name.replaceAll(" ", "-"), age, broughtBack)).toBe(left);
});

it("says that it cannot be told when it cannot", async () => {
  const { openRepository } = await import("../../../recovery/repository/restic.ts");
  const { letGo } = await import("../../../recovery/point/let-go.ts");
  const { standing } = await import("../../../recovery/report.ts");
  const gone = openRepository({
    program: fixture.program,
    location: `${fixture.folder}/never-made`,
    password: PASSWORD,
    cacheDir: `${fixture.folder}/cache`,
  });
  await host.put(
    "data/hub/recovery/standing.json",
    JSON.stringify({ enabled: true, since: new Date().toISOString() }),
  );
  await letGo(gone, { hourly: 1, daily: 1, weekly: 1, monthly: 1 }, progress);
  expect((await standing()).pruneProblem?.what).toContain("never-made");
});

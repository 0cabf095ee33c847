/** A sample of the crash sweep (`npm run sweep` is all of it): killed on the way, the next run ends right, and nothing is lost. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { pointTaken } from "../sweep/backup.ts";
import { killAfterLine } from "../sweep/program-steps.ts";
import { applied } from "../sweep/rollout.ts";
import { type Row, sweepOnce } from "../sweep/row.ts";
import { killAfter } from "../sweep/script-steps.ts";
import { SweptHub } from "../sweep/swept-hub.ts";

let hub: SweptHub;

beforeAll(async () => {
  hub = await SweptHub.open();
});

// A rollout has started the timers again.
beforeEach(() => hub.quiet());

afterAll(async () => {
  await hub.console.must(
    "systemctl start aihub-point.timer aihub-nightly.timer aihub-unfinished.timer",
  );
});

function wasGood(row: Row): void {
  expect(row.good, row.outcome).toBe(true);
  expect(row.acknowledged.kept).toBe(row.acknowledged.of);
}

it.each([
  ["before anything is changed", "apply.sh\tmain\tinstall_store"],
  ["when the services were switched", 'apply.sh\tmain\tstart "$here" "$secrets"'],
])("a rollout, killed %s, is ended by the next one", async (_when, line) => {
  const release = await hub.release();
  const row = await sweepOnce(hub, {
    operation: "rollout",
    step: line,
    kill: () => killAfter(hub.console, release, { line, words: line }),
    nextRun: () => applied(hub, release),
  });
  wasGood(row);
});

it("a recovery point, killed while it dumps, is taken by the next one", async () => {
  const row = await sweepOnce(hub, {
    operation: "backup",
    step: "point",
    kill: async () => {
      expect(await killAfterLine(hub.console, "aihub-recovery point", 1)).toMatchObject({
        killed: true,
      });
    },
    nextRun: () => pointTaken(hub),
  });
  wasGood(row);
});

import { expect, it } from "vitest";
import type { DrillRecord } from "../../../recovery/drill/record.ts";
import type { Standing } from "../../../recovery/report.ts";
import { noteDrill } from "../../../recovery/verbs/record-drill.ts";
import { lockWait } from "../../../recovery/verbs.ts";

const now = new Date("2026-11-25T12:00:00.000Z");
const drill = (time: string, ok = true): DrillRecord => ({
  version: 1,
  time,
  stack: "prod",
  ok,
  point: null,
  recoveryTimeSeconds: 60,
  recoveryPointSeconds: 30,
  checks: [],
  versions: {},
});

/** What is remembered after these, in this order. */
function noted(times: [string, boolean?][]): Standing {
  const state: Standing = { enabled: true, since: "2026-01-01T00:00:00.000Z" };
  for (const [time, ok] of times) noteDrill(state, drill(time, ok), now);
  return state;
}

it("an older drill does not displace the last", () => {
  expect(noted([["2026-11-20T00:00:00.000Z"], ["2026-11-01T00:00:00.000Z", false]])).toMatchObject({
    lastDrill: { time: "2026-11-20T00:00:00.000Z", ok: true },
    lastGoodDrill: "2026-11-20T00:00:00.000Z",
  });
});

it("one that lies ahead is displaced by the next", () => {
  expect(noted([["2030-01-01T00:00:00.000Z"], ["2026-11-20T00:00:00.000Z"]])).toMatchObject({
    lastDrill: { time: "2026-11-20T00:00:00.000Z" },
    lastGoodDrill: "2026-11-20T00:00:00.000Z",
  });
});

it("is noted also while the night's run goes on, for hours", () => {
  expect(lockWait("record-drill", [])).toBeUndefined();
});

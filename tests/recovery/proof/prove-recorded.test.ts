import { expect, it } from "vitest";
import { prove } from "../../../recovery/proof/prove.ts";
import { noteProof } from "../../../recovery/proof/prove-recorded.ts";
import type { Standing } from "../../../recovery/report.ts";
import { hub, type Made, repository, snapshotOf } from "./snapshots.ts";

const now = new Date("2026-11-25T03:00:00Z");

function night(canary: boolean): Made {
  const made = hub();
  if (!canary) delete made.point.canary;
  return made;
}

function day(): Made {
  const made = night(false);
  made.point.reason = "manual";
  return made;
}

/** A point of the day that is not good. */
function bad(): Made {
  const made = day();
  made.files.delete("/data/open-webui/uploads/f1_a.pdf");
  return made;
}

/** What is told after each proof. */
async function told(...points: Made[]) {
  const state: Standing = { enabled: true, since: "2026-01-01T00:00:00.000Z" };
  const all: string[][] = [];
  for (const made of points) {
    const { proof } = await prove(repository(snapshotOf(made)), { now });
    noteProof(state, proof);
    const { good, problems } = state.lastProof ?? { good: true, problems: [] };
    expect(good).toBe(problems.length === 0);
    all.push(problems);
  }
  return { all, state };
}

const noCanary = expect.stringMatching(/^The point has no canary/);

it("a night without a canary stays told until there is a point with one", async () => {
  const { all } = await told(night(false), day(), night(true), day());
  expect(all).toEqual([[noCanary], [noCanary], [], []]);
});

it("a point of the day that is not good is told besides, for as long as it is so", async () => {
  const { all } = await told(night(false), bad(), day());
  expect(all).toEqual([[noCanary], [expect.stringMatching(/1 of 2 files/), noCanary], [noCanary]]);
});

it("what is good by itself counts as proven", async () => {
  const { state } = await told(night(false), day());
  expect(state.lastGoodProof).toBe(now.toISOString());
});

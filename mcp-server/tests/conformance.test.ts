import { beforeAll, describe, expect, it } from "vitest";
import {
  judge,
  type RevisionResult,
  report,
  revisions,
  runConformance,
} from "../conformance/run.ts";
import { readSummary } from "../conformance/suite.ts";

describe("the official conformance suite", () => {
  let results: RevisionResult[];
  beforeAll(async () => {
    results = await runConformance();
  }, 600_000);

  it.each(revisions)("%s: nothing fails but what is expected to", (revision) => {
    const result = results.find((one) => one.revision === revision) as RevisionResult;
    expect(result.ok, report([result])).toBe(true);
    expect(result.scenarios.length).toBeGreaterThan(30);
  });

  it("every scored scenario of the newest revision passes", () => {
    const scored = results[0]?.scenarios.filter((scenario) => scenario.scored) ?? [];
    expect(scored.length).toBeGreaterThanOrEqual(37);
    expect(scored.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
  });
});

describe("judging", () => {
  const scenario = (name: string, failed: number, scored = true) => ({
    name,
    scored,
    passed: 2,
    failed,
    failures: [],
  });
  const judged = (
    scenarios: ReturnType<typeof scenario>[],
    required: string[],
    expected: string[],
  ) => judge("2025-11-25", scenarios, required, new Set(expected));

  it("accepts expected failures and failures that are not scored", () => {
    const result = judged(
      [scenario("a", 0), scenario("b", 1), scenario("c", 1, false)],
      ["a"],
      ["b"],
    );
    expect(result.ok).toBe(true);
    expect(result.scenarios.map(({ verdict }) => verdict)).toEqual([
      "passed",
      "failed as expected",
      "not scored",
    ]);
  });

  it("refuses a failure, an expected failure that passes, and what did not run", () => {
    expect(judged([scenario("a", 1)], [], []).ok).toBe(false);
    expect(judged([scenario("a", 0)], [], ["a"]).ok).toBe(false);
    const incomplete = judged([], ["a"], []);
    expect(incomplete.ok).toBe(false);
    expect(report([incomplete])).toContain("✘ a (did not run)");
  });

  it("reads the suite's summary", () => {
    const output = `noise
=== SUMMARY ===
✓ tools-list: 4 passed, 0 failed
✗ tasks-lifecycle: 1 passed, 8 failed

Total: 5 passed, 8 failed

Not scored for 2026-07-28: 1 scenario(s) run, 1 failing. These do not affect conformance.
  ✗ tasks-lifecycle (extension)
`;
    expect(readSummary(output)).toEqual([
      { name: "tools-list", scored: true, passed: 4, failed: 0, failures: [] },
      { name: "tasks-lifecycle", scored: false, passed: 1, failed: 8, failures: [] },
    ]);
  });
});

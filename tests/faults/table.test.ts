import { describe, expect, it } from "vitest";
import type { Verdict } from "../../rehearsal/faults/judge.ts";
import { rowOf } from "../../rehearsal/faults/row.ts";
import { lineOf, withRows } from "../../rehearsal/faults/table.ts";

const good: Verdict = {
  acknowledged: { mcp: 5, chat: 3 },
  there: { mcp: 5, chat: 3 },
  refused: 2,
  cutOff: 1,
  words: [{ words: "502 Bad Gateway", times: 2, clear: true }],
  lost: [],
  halfStates: [],
};
const row = (name: string, change: Partial<Verdict> = {}, seconds: number | null = 3.21) =>
  rowOf(
    { name, what: `what ${name} does` },
    { verdict: { ...good, ...change }, struck: { over: 0 }, seconds, more: [] },
  );

describe("a row", () => {
  it("is good when nothing is wrong", () => {
    expect(lineOf(row("kill"))).toBe(
      '| `kill` what kill does | 5 / 3 | 5 / 3 | 2: "502 Bad Gateway" (2) | 1 | 0 | 3.2 s | ✔ |',
    );
  });

  it.each<[string, Partial<Verdict>, number | null]>([
    ["lost: f-1: there 0 times", { lost: ["f-1: there 0 times"] }, 1],
    ["half state: f-1", { halfStates: ["f-1"] }, 1],
    ['not clear: "500" (4 times)', { words: [{ words: "500", times: 4, clear: false }] }, 1],
    ["it did not get good again by itself", {}, null],
    ["nothing was acknowledged", { acknowledged: { mcp: 0, chat: 3 } }, 1],
  ])("says %s", (problem, change, seconds) => {
    const bad = row("kill", change, seconds);
    expect(bad.problems).toEqual([problem]);
    expect(lineOf(bad)).toMatch(/\| ✘ [^|]+ \|$/);
  });

  it("stays one row whatever was said", () => {
    const line = lineOf(row("kill", { words: [{ words: "a | b\n<c>", times: 1, clear: true }] }));
    expect(line).not.toContain("\n");
    expect(line).toContain('"a \\| b &lt;c>"');
  });
});

describe("the page", () => {
  const empty = "# Page\n\n<!-- faults:begin -->\n<!-- faults:end -->\n\n<!-- sweep:begin -->\n";
  const names = ["kill", "cut", "full"];
  const linesIn = (page: string) => page.split("\n").filter((line) => line.startsWith("| `"));

  it("keeps the rows of faults that were not run, in the order of the faults", () => {
    const first = withRows(empty, [row("full"), row("kill", {}, 9)], names, "Today.");
    const second = withRows(first, [row("kill", {}, 4)], names, "Later.");
    expect(linesIn(second)).toEqual([lineOf(row("kill", {}, 4)), lineOf(row("full"))]);
    expect(second).toContain("Not run yet: cut.");
    expect(second).toMatch(/^# Page\n\n<!-- faults:begin -->\nLater\.\n/);
    expect(second).toMatch(/\n<!-- faults:end -->\n\n<!-- sweep:begin -->\n$/);
  });

  it("forgets faults that there are no more", () => {
    const page = withRows(empty, [row("old")], ["old"], "Today.");
    expect(linesIn(withRows(page, [row("cut")], names, "Later."))).toEqual([lineOf(row("cut"))]);
  });

  it("without marks is refused", () => {
    expect(() => withRows("# Page\n", [], names, "")).toThrow(/no marks/);
  });
});

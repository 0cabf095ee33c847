import { describe, expect, it } from "vitest";
import { withRows } from "../../rehearsal/sweep/page.ts";
import { stepOf } from "../../rehearsal/sweep/program-steps.ts";
import { progressLines } from "../../rehearsal/sweep/progress-lines.ts";
import type { Row } from "../../rehearsal/sweep/row.ts";
import { scriptSteps } from "../../rehearsal/sweep/script-steps.ts";

const row = (more: Partial<Row>): Row => ({
  ...{ operation: "rollout", step: "apply.sh: prune", outcome: "applied again", seconds: 12 },
  ...{ acknowledged: { kept: 20, of: 20 }, good: true },
  ...more,
});
const empty = "# Page\n\n<!-- sweep:begin -->\n<!-- sweep:end -->\n\nAfter\n";
const rowsIn = (page: string) =>
  page.split("\n").filter((line) => /^\| [a-z]+ \| .*[✔✘]/.test(line));

describe("the sweep's table", () => {
  it("has a line for each kill, and says which operations were not run", () => {
    const page = withRows(empty, [row({}), row({ operation: "backup", step: "point: a | b" })], []);
    expect(rowsIn(page)).toEqual([
      "| rollout | apply.sh: prune | applied again | 20 of 20 | 12 | ✔ |",
      "| backup | point: a \\| b | applied again | 20 of 20 | 12 | ✔ |",
    ]);
    expect(page).toContain("Not run: restore, upgrade, replacement.");
    expect(page).toMatch(/^# Page\n/);
    expect(page).toMatch(/\nAfter\n$/);
  });

  it("says what is not good", () => {
    const lost = row({ good: false, outcome: "not good: a <b>\nis gone" });
    expect(rowsIn(withRows(empty, [lost], []))[0]).toMatch(/not good: a &lt;b&gt; is gone .*✘/);
  });

  it("keeps the rows of other operations, and of other steps when not all were swept", () => {
    const before = withRows(
      empty,
      [row({}), row({ step: "b|c" }), row({ operation: "restore", step: "hub: load" })],
      [],
    );
    const one = withRows(before, [row({ step: "b|c", seconds: 99 })], []);
    expect(rowsIn(one)).toHaveLength(3);
    expect(rowsIn(one)[1]).toContain("| 99 |");
    const all = withRows(before, [row({ step: "c" })], ["rollout"]);
    expect(rowsIn(all).map((line) => line.split(" | ")[1])).toEqual(["c", "hub: load"]);
  });

  it("says of which operations not all steps were swept", () => {
    const page = withRows(empty, [row({}), row({ operation: "restore" })], []);
    expect(page).toContain("Swept in part: rollout, restore.");
    const begun = withRows(page, [row({})], ["rollout"]);
    expect(begun).toContain("Swept in part: rollout, restore.");
    expect(withRows(begun, [row({})], ["rollout"], true)).toContain("Swept in part: restore.");
  });

  it("wants a page with its marks", () => {
    expect(() => withRows("# Page\n", [], [])).toThrow(/no marks/);
  });
});

describe("the steps", () => {
  it("of a script are the commands that change something, each once", () => {
    const log = [
      "apply.sh\tmain\tmain",
      'apply.sh\tmain\t[ -f "$secrets" ]',
      "apply.sh\tmain\tinstall_store",
      'apply.sh\tmain\tstart "$here" "$secrets"',
      "switch.sh\tmain\tset -euo pipefail",
      "switch.sh\tmain\tservices=$(differing)",
      'switch.sh\tchange_beside\tstart_stand_in "$service"',
      'switch.sh\tmain\trm -f "$root/changing"',
      "apply.sh\tmain\tinstall_store",
      "apply.sh\tmain\treport=$(set_up)",
      'apply.sh\tmain\tsay "release runs"',
    ];
    expect(scriptSteps(log.join("\n")).map(({ words }) => words)).toEqual([
      "apply.sh: install_store",
      "apply.sh: start $here $secrets",
      "switch.sh: services=$(differing)",
      "switch.sh: start_stand_in $service",
      "apply.sh: report=$(set_up)",
    ]);
  });

  it("of the recovery program are what its last line is about", () => {
    expect(stepOf(["Dumping the database"])).toBe("Dumping the database: begun");
    expect(stepOf(["Dumping the database", "  0.7 s"])).toBe("Dumping the database: done");
    expect(stepOf(["Letting old points go", "  3 let go"])).toBe("Letting old points go: 3 let go");
  });

  it("of a verb are its lines of progress, without how long they took", () => {
    expect(
      progressLines(
        "▸ Previewing\n  … Previewing: 15.0 s\n✔ Previewing (2.1 s)\n    ▸ creating x\n",
      ),
    ).toEqual(["▸ Previewing", "✔ Previewing", "▸ creating x"]);
  });
});

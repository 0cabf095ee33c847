import { describe, expect, it } from "vitest";
import { alarms, type BackupFacts } from "../../../recovery/proof/alarms.ts";

const now = new Date("2026-11-25T12:00:00Z");
const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();

/** A hub where all is well. */
const well: BackupFacts = {
  now,
  since: ago(1000),
  lastPoint: { time: ago(1) },
  lastProof: { time: ago(9), good: true, problems: [] },
  lastGoodProof: ago(9),
  lastPrune: ago(9),
  lastCheck: ago(9),
  lastCopy: ago(9),
  lastDrill: { time: ago(100), ok: true },
  lastGoodDrill: ago(100),
  escrow: { time: ago(900), fits: true },
};

function told(change: Partial<BackupFacts>, without: (keyof BackupFacts)[] = []) {
  const facts = { ...well, ...change };
  for (const key of without) delete facts[key];
  return alarms(facts).map(({ kind, severity, text }) => `${severity} ${kind}: ${text}`);
}

describe("alarms", () => {
  it("are none where all is well", () => {
    expect(told({})).toEqual([]);
  });

  it("are hints on a fresh hub", () => {
    const fresh = alarms({ now, since: ago(1) });
    expect(fresh.map(({ kind, severity }) => [kind, severity])).toEqual([
      ["point", "hint"],
      ["proof", "hint"],
      ["escrow", "hint"],
      ["drill", "hint"],
    ]);
  });

  it("count nothing that should have been done before there were backups", () => {
    const { lastPrune: _, lastCheck: __, ...young } = well;
    expect(alarms({ ...young, since: ago(71) })).toEqual([]);
    const old = ago(900);
    expect(alarms({ ...young, since: ago(1), lastPrune: old, lastCheck: old })).toEqual([]);
  });

  it("say that backups are off, and nothing else", () => {
    expect(told({ enabled: false }, ["lastPoint", "escrow"])).toEqual([
      expect.stringMatching(/^alarm off: Backups are off.*npm run hub -- config set backup.to/),
    ]);
  });

  it.each<[string, Partial<BackupFacts>, (keyof BackupFacts)[], RegExp]>([
    ["no point for 26 h", { lastPoint: { time: ago(27) } }, [], /^alarm point: .* is 27 hours old/],
    [
      "why there is none",
      { lastPoint: { time: ago(72) }, pointProblem: { what: "the disk is full" } },
      [],
      /^alarm point: .* 3 days old\. The last try failed: the disk is full\. Take one now: npm/,
    ],
    ["never a point", {}, ["lastPoint"], /^alarm point: In 41 days no recovery point/],
    [
      "a try that failed",
      { pointProblem: { what: "busy" } },
      [],
      /^hint point: The last try to take a recovery point failed: busy\./,
    ],
    ["no good proof for 26 h", { lastGoodProof: ago(27) }, [], /^alarm proof: .* for 27 hours\./],
    ["never a good proof", {}, ["lastGoodProof", "lastProof"], /^alarm proof: .*ever proven good/],
    [
      "a point that is not good",
      {
        lastProof: { time: ago(1), good: false, problems: ["The dump is cut", "b", "c"] },
        lastGoodProof: ago(25),
      },
      [],
      /^alarm proof: .*: The dump is cut\. And 2 more\. The last good proof is 25 hours old\./,
    ],
    [
      "the first point, not good",
      { since: ago(1), lastProof: { time: ago(1), good: false, problems: ["It is cut."] } },
      ["lastGoodProof"],
      /^alarm proof: .*: It is cut\. None was ever proven good\./,
    ],
    [
      "no good drill for 8 days",
      { lastGoodDrill: ago(8 * 24 + 1) },
      [],
      /^alarm drill: .*8 days ago/,
    ],
    ["never a drill", {}, ["lastDrill", "lastGoodDrill"], /^alarm drill: .*no good fire drill yet/],
    [
      "a drill that failed",
      { lastDrill: { time: ago(3), ok: false } },
      [],
      /^alarm drill: The last fire drill failed, 3 hours ago/,
    ],
    ["no escrow", {}, ["escrow"], /^alarm escrow: There is no verified escrow/],
    [
      "an escrow of other keys",
      { escrow: { time: "2026-10-01T00:00:00Z", fits: false } },
      [],
      /^alarm escrow: The escrow of 2026-10-01 no longer opens/,
    ],
    [
      "pruning that fails",
      { pruneProblem: { time: ago(1), what: "locked" } },
      [],
      /^hint prune: .*: locked\. It is tried again/,
    ],
    [
      "pruning that fails for 3 days",
      { pruneProblem: { time: ago(1), what: "locked" }, lastPrune: ago(73) },
      [],
      /^alarm prune: .*: locked\. That is so for 3 days/,
    ],
    [
      "pruning that never worked",
      { pruneProblem: { time: ago(1), what: "locked" } },
      ["lastPrune"],
      /^alarm prune: .* for 41 days/,
    ],
    [
      "pruning that never ends",
      { lastPrune: ago(73) },
      [],
      /^alarm prune: .* for 3 days\. The night's run does not come to its end/,
    ],
    ["pruning that never once ended", {}, ["lastPrune"], /^alarm prune: .* for 41 days\./],
    ["checks that never end", { lastCheck: ago(220) }, [], /^alarm check: .* for 9 days\./],
    ["checks that never once ended", {}, ["lastCheck"], /^alarm check: .* for 41 days\./],
    [
      "a damaged repository",
      { checkProblem: { time: ago(1), what: "pack 12ab is damaged" } },
      [],
      /^alarm check: .*pack 12ab is damaged\./,
    ],
    [
      "a copy that is behind",
      { lastCopy: ago(49), copyProblem: { time: ago(1), what: "no route" } },
      [],
      /^alarm copy: .*2 days behind\. The last try failed: no route\./,
    ],
    [
      "a copy that is damaged",
      { copyCheckProblem: { time: ago(1), what: "pack 12ab is damaged" } },
      [],
      /^alarm copy: The second copy is damaged, or cannot be read: pack 12ab is damaged\./,
    ],
    [
      "a copy that cannot be pruned",
      { copyPruneProblem: { time: ago(1), what: "locked" } },
      [],
      /^hint copy: .*: locked\. It is tried again/,
    ],
    [
      "a copy that cannot be pruned for 3 days",
      { copyPruneProblem: { time: ago(73), what: "locked" } },
      [],
      /^alarm copy: .*: locked\. That is so for 3 days/,
    ],
    [
      "a push to git that failed",
      { lastGit: ago(25), gitProblem: { time: ago(1), what: "no route" } },
      [],
      /^hint git: The last push of the workspace to git failed: no route\. aihub-recovery/,
    ],
    [
      "pushes to git that fail for 3 days",
      { lastGit: ago(80), gitProblem: { time: ago(56), what: "no route" } },
      [],
      /^alarm git: .*not pushed to git for 3 days: no route\./,
    ],
    [
      "a push to git that never worked",
      { gitProblem: { time: ago(73), what: "no route" } },
      [],
      /^alarm git: .*for 3 days: no route/,
    ],
    ["pushes to git that are not even tried", { lastGit: ago(73) }, [], /^alarm git: .*3 days\. /],
    [
      "files that look like secrets",
      { lastGit: ago(1), gitSecrets: { count: 3, first: [{ path: "a.env", kinds: ["aws"] }] } },
      [],
      /^hint git-secrets: 3 files look like a secret and stay out .*: a\.env \(aws\) and 2 more\./,
    ],
    ["a copy that was never made", { copyWanted: true }, ["lastCopy"], /^alarm copy: .*never made/],
  ])("tell of %s", (_, change, without, text) => {
    expect(told(change, without)).toEqual([expect.stringMatching(text)]);
  });

  it("blame no run of the night for what waits for the place of the points", () => {
    const away = told({
      ...{ lastPoint: { time: ago(240) }, pointProblem: { what: "no route" } },
      ...{ lastPrune: ago(240), lastCheck: ago(240), lastGoodProof: ago(240) },
    });
    expect(away.map((text) => text.split(":")[0])).toEqual([
      ...["alarm point", "alarm proof", "alarm check", "alarm prune"],
    ]);
    expect(away.join()).not.toContain("does not come to its end");
  });

  it("do not take a time that lies ahead for a fresh one", () => {
    const ahead = ago(-2);
    const all = {
      ...{ lastPoint: { time: ahead }, lastGoodProof: ahead, lastCopy: ahead, lastGit: ahead },
      ...{ lastGoodDrill: ahead, lastDrill: { time: ahead, ok: true } },
    };
    expect(told(all).map((text) => text.split(":")[0])).toEqual([
      ...["alarm point", "alarm proof", "alarm drill", "alarm copy", "alarm git"],
    ]);
    expect(told(all)[0]).toMatch(/The last recovery point is an unknown time old\. Take one now/);
    // Two clocks that are right differ a little.
    expect(told({ lastPoint: { time: ago(-0.9) }, lastGoodProof: ago(-0.9) })).toEqual([]);
  });

  it("do not tell of a second copy that nobody wants", () => {
    expect(told({}, ["lastCopy"])).toEqual([]);
  });

  it("have the alarms first", () => {
    const severities = alarms({
      ...well,
      pointProblem: { what: "x" },
      lastCopy: ago(99),
    }).map(({ severity }) => severity);
    expect(severities).toEqual(["alarm", "hint"]);
  });
});

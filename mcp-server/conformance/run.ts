/** Runs the official conformance suite for both revisions against the real server, and judges what came out. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { load } from "js-yaml";
import { serveFixtures } from "./serve.ts";
import { runSuite, type Scenario, suiteFolder } from "./suite.ts";

export const revisions = ["2026-07-28", "2025-11-25"] as const;
export type Revision = (typeof revisions)[number];

/** "not scored": failed, and the revision does not ask for it. "skipped": the suite found nothing to check. */
export type Verdict =
  | "passed"
  | "skipped"
  | "failed"
  | "failed as expected"
  | "passed unexpectedly"
  | "not scored";

export interface Judged extends Scenario {
  verdict: Verdict;
}

export interface RevisionResult {
  revision: Revision;
  /** False when a scored scenario failed unexpectedly, or one that is expected to fail passed, or one did not run. */
  ok: boolean;
  scenarios: Judged[];
  /** Scored scenarios that the suite did not run. */
  missing: string[];
}

/** Throws an Error for people when the suite itself breaks. */
export async function runConformance(
  wanted: readonly Revision[] = revisions,
): Promise<RevisionResult[]> {
  const server = await serveFixtures();
  try {
    const results: RevisionResult[] = [];
    for (const revision of wanted) {
      const scenarios = await runSuite(server.url, revision);
      results.push(judge(revision, scenarios, await required(revision), await expected(revision)));
    }
    return results;
  } finally {
    await server.close();
  }
}

export function judge(
  revision: Revision,
  scenarios: readonly Scenario[],
  required: readonly string[],
  expected: ReadonlySet<string>,
): RevisionResult {
  const judged = scenarios.map((scenario) => ({
    ...scenario,
    verdict: verdictOn(scenario, expected.has(scenario.name)),
  }));
  const missing = required.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  const bad: Verdict[] = ["failed", "passed unexpectedly"];
  return {
    revision,
    ok: missing.length === 0 && !judged.some(({ verdict }) => bad.includes(verdict)),
    scenarios: judged,
    missing,
  };
}

function verdictOn({ passed, failed, scored }: Scenario, expected: boolean): Verdict {
  if (expected) return failed > 0 ? "failed as expected" : "passed unexpectedly";
  if (failed === 0) return passed === 0 ? "skipped" : "passed";
  return scored ? "failed" : "not scored";
}

/** Scenarios that the suite's own list of a revision scores for servers. */
async function required(revision: Revision): Promise<string[]> {
  const list = load(await readFile(join(suiteFolder, "requirements", `${revision}.yaml`), "utf8"));
  return (list as { server: string[] }).server;
}

async function expected(revision: Revision): Promise<ReadonlySet<string>> {
  if (revision === "2026-07-28") return new Set();
  const list = load(await readFile(join(import.meta.dirname, "expected-failures.yaml"), "utf8"));
  return new Set((list as { server: string[] }).server);
}

const marks: Record<Verdict, string> = {
  passed: "✔",
  skipped: "·",
  failed: "✘",
  "failed as expected": "·",
  "passed unexpectedly": "✘",
  "not scored": "·",
};

/** For people: a line for each scenario, what went wrong below it, a sum for each revision. */
export function report(results: readonly RevisionResult[]): string {
  const lines: string[] = [];
  for (const { revision, scenarios, missing } of results) {
    lines.push(`MCP ${revision}`);
    for (const { name, verdict, passed, failed, failures } of scenarios) {
      const checks = failed > 0 ? `${verdict}, ${failed} of ${passed + failed} checks` : verdict;
      lines.push(`  ${marks[verdict]} ${name}${verdict === "passed" ? "" : ` (${checks})`}`);
      if (verdict === "failed") lines.push(...failures.map((failure) => `      ${failure}`));
    }
    lines.push(...missing.map((name) => `  ✘ ${name} (did not run)`));
    const scored = scenarios.filter((scenario) => scenario.scored);
    const count = (verdict: Verdict) => scored.filter((one) => one.verdict === verdict).length;
    lines.push(
      `  ${count("passed")} of ${scored.length + missing.length} scored scenarios pass, ${count("failed as expected")} fail as expected, ${count("skipped")} skipped`,
      "",
    );
  }
  return lines.join("\n");
}

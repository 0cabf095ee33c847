/** The official conformance suite, run against a server. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface Scenario {
  name: string;
  /** Whether the revision requires it. */
  scored: boolean;
  /** Checks. */
  passed: number;
  failed: number;
  /** Why, of those checks that failed. */
  failures: string[];
}

export const suiteFolder = dirname(
  createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json"),
);

/** Runs all that a revision of the protocol requires. Throws an Error for people when the suite itself breaks. */
export async function runSuite(url: string, revision: string): Promise<Scenario[]> {
  const results = await mkdtemp(join(tmpdir(), "aihub-conformance-results-"));
  try {
    const output = await run(["--url", url, "--requirements", revision, "-o", results], results);
    const scenarios = readSummary(output);
    if (scenarios.length === 0) {
      throw new Error(
        `The conformance suite gave no result for ${revision}:\n${output.slice(-2000)}`,
      );
    }
    for (const scenario of scenarios) {
      if (scenario.failed > 0) scenario.failures = await failuresOf(scenario.name, results);
    }
    return scenarios;
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

/** What the suite printed. Its exit code says less than its summary: it knows no expected failures of a revision. */
function run(args: string[], cwd: string): Promise<string> {
  const suite = join(suiteFolder, "dist", "index.js");
  const child = spawn(process.execPath, [suite, "server", ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}

/** The lines "✓ tools-list: 4 passed, 0 failed", and which of them the revision does not score: "✓ ping (extension)". */
export function readSummary(output: string): Scenario[] {
  const [summary = "", unscored = ""] = output
    .slice(output.lastIndexOf("=== SUMMARY ==="))
    .split(/^Not scored .*$/m);
  const notScored = new Set([...unscored.matchAll(/^ *[✓✗] (\S+) \(/gm)].map(([, name]) => name));
  return [...summary.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed/gm)].map(
    ([, name = "", passed, failed]) => ({
      name,
      scored: !notScored.has(name),
      passed: Number(passed),
      failed: Number(failed),
      failures: [],
    }),
  );
}

async function failuresOf(scenario: string, results: string): Promise<string[]> {
  const folder = (await readdir(results)).find(
    (name) => name.replace(/-\d{4}-\d\d-\d\dT.*$/, "") === `server-${scenario}`,
  );
  if (folder === undefined) return [];
  const checks = JSON.parse(await readFile(join(results, folder, "checks.json"), "utf8")) as {
    id: string;
    status: string;
    errorMessage?: string;
  }[];
  return checks
    .filter(({ status }) => status === "FAILURE")
    .map(({ id, errorMessage }) => (errorMessage ? `${id}: ${errorMessage}` : id));
}

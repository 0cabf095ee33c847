/**
 * `npm test`: the checks and every tier of tests, then one line `N passed, N failed`. Arguments go to vitest, like
 * `npm test -- --project unit`; with --project given, the checks are left out.
 */
import { readFile, rm } from "node:fs/promises";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { UserError } from "../hub/user-error.ts";
import { prepareRehearsal } from "../rehearsal/prepare.ts";
import { runChecks } from "./check/checks.ts";
import { lineProgress } from "./progress.ts";

const root = new URL("..", import.meta.url).pathname;
const args = process.argv.slice(2);
if (args.includes("--help")) {
  process.stdout.write(
    "npm test [-- vitest arguments]\n\nTiers: --project unit | components | mcp | recovery | stand-ins | rehearsal (default all, with the checks)\n",
  );
  process.exit(0);
}
const checks = args.length === 0 ? await runChecks() : [];
if (args.length === 0 || args.some((arg) => /stand-ins|rehearsal/.test(arg))) {
  // Fetched and built here, with progress, rather than inside the first test that needs it.
  try {
    await prepareRehearsal(lineProgress());
  } catch (error) {
    process.stderr.write(
      `✘ ${error instanceof UserError ? error.message : (error as Error).stack}\n`,
    );
    checks.push({ name: "what the rehearsal needs", ok: false });
  }
}
let passed = checks.filter((check) => check.ok).length;
let failed = checks.length - passed;
// The scenarios wait more than they work: the other tiers go on beside them, and stand back where both want the machine.
const runs =
  args.length === 0
    ? [
        ["--project", "rehearsal"],
        ["--project", "!rehearsal"],
      ]
    : [args];
const counts = await Promise.all(
  runs.map((options, index) => vitest(options, index === 0 ? 0 : 10)),
);
for (const count of counts) {
  passed += count.passed;
  failed += count.failed;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs vitest with its output on this process's own, `nice` steps behind others. A run that ends badly counts at least one failure. */
async function vitest(
  options: string[],
  nice: number,
): Promise<{ passed: number; failed: number }> {
  const report = join(tmpdir(), `aihub-tests-${process.pid}-${nice}.json`);
  const started = execa(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--reporter=verbose",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...options,
    ],
    { cwd: root, reject: false, stdio: ["ignore", "inherit", "inherit"] },
  );
  if (nice > 0 && started.pid !== undefined) setPriority(started.pid, nice);
  const { exitCode } = await started;
  let count = { passed: 0, failed: 1 };
  try {
    const result = JSON.parse(await readFile(report, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      testResults: { status: string; assertionResults: { status: string }[] }[];
    };
    // A file that could not even be read counts as one failure.
    const unread = result.testResults.filter(
      (file) =>
        file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
    ).length;
    count = { passed: result.numPassedTests, failed: result.numFailedTests + unread };
  } catch {
    // No report: it ended before it could write one.
  }
  await rm(report, { force: true });
  return exitCode !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

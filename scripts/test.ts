/**
 * `npm test`: the checks and every tier of tests, then one line `N passed, N failed`. Arguments go to vitest, like
 * `npm test -- --project unit`; with --project given, the checks are left out.
 */
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
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
const report = join(tmpdir(), `aihub-tests-${process.pid}.json`);
const run = await execa(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--reporter=verbose",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...args,
  ],
  { cwd: root, reject: false, stdio: ["ignore", "inherit", "inherit"] },
);
let passed = checks.filter((check) => check.ok).length;
let failed = checks.length - passed;
try {
  const result = JSON.parse(await readFile(report, "utf8")) as {
    numPassedTests: number;
    numFailedTests: number;
    testResults: { status: string; assertionResults: { status: string }[] }[];
  };
  passed += result.numPassedTests;
  failed += result.numFailedTests;
  // A file that could not even be read counts as one failure.
  failed += result.testResults.filter(
    (file) =>
      file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
} catch {
  failed += 1;
}
await rm(report, { force: true });
if (run.exitCode !== 0 && failed === 0) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** `npm run check`: the type checker, the linter, the derived texts and the host's shell scripts. */
import { type Check, runChecks } from "./check/checks.ts";

const failed = (await runChecks()).filter((check: Check) => !check.ok);
process.exitCode = failed.length === 0 ? 0 : 1;

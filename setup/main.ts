/**
 * The one-shot job that runs after each apply: makes Open WebUI match the hub's settings. Prints one line of JSON
 * on standard output; exits with 1 and says why on standard error when it cannot.
 */
import { UserError } from "../hub/user-error.ts";
import { readEnvironment } from "./environment.ts";
import { reconcile } from "./reconcile.ts";

try {
  const result = await reconcile(readEnvironment(process.env));
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  const text =
    error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
  process.stderr.write(`setup: ${text}\n`);
  process.exitCode = 1;
}

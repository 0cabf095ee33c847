/** The host's recovery program: takes recovery points, proves them, brings them back. Runs on the host, as root. */
import { UserError } from "../hub/user-error.ts";
import { underLock } from "./lock.ts";
import { runVerb, usage } from "./verbs.ts";

const [name = "--help", ...args] = process.argv.slice(2);
try {
  if (name === "--help" || name === "help") process.stdout.write(usage());
  else if (await underLock(name, args)) process.exitCode = await runVerb(name, args);
} catch (error) {
  const known = error instanceof UserError;
  process.stderr.write(
    `✘ ${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exitCode = 1;
}

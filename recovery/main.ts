/** The host's recovery program: takes recovery points, proves them, brings them back. Runs on the host, as root. */
import { UserError } from "../hub/user-error.ts";
import { underLock } from "./lock.ts";
import { runVerb, usage, usageOf } from "./verbs.ts";

const [name = "--help", ...args] = process.argv.slice(2);
/** Of what follows two dashes, each is a name. */
const asksForHelp = args.slice(0, [...args, "--"].indexOf("--")).includes("--help");
try {
  if (name === "--help" || name === "help") process.stdout.write(usage());
  else if (asksForHelp) process.stdout.write(usageOf(name));
  else if (await underLock(name, args)) process.exitCode = await runVerb(name, args);
} catch (error) {
  const known = error instanceof UserError;
  process.stderr.write(
    `✘ ${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exitCode = 1;
}

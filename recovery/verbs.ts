/** The verbs of the recovery program. One file per verb in `verbs/`; their order here is that of the help. */
import { parseArgs } from "node:util";
import { UserError } from "../hub/user-error.ts";
import { nightly } from "./verbs/nightly.ts";
import { point } from "./verbs/point.ts";
import { points } from "./verbs/points.ts";
import { prove } from "./verbs/prove.ts";
import { pushWorkspace } from "./verbs/push-workspace.ts";
import { recordDrill } from "./verbs/record-drill.ts";
import { restic } from "./verbs/restic.ts";
import { restore } from "./verbs/restore.ts";
import { resume } from "./verbs/resume.ts";
import { status } from "./verbs/status.ts";
import { upgrade } from "./verbs/upgrade.ts";
import type { RecoveryVerb } from "./verbs/verb.ts";

const verbs: Record<string, RecoveryVerb> = {
  point,
  points,
  nightly,
  prove,
  restore,
  resume,
  "record-drill": recordDrill,
  status,
  "push-workspace": pushWorkspace,
  upgrade,
  restic,
};

export function usage(): string {
  const lines = Object.entries(verbs).map(
    ([name, { summary }]) => `  ${name.padEnd(16)}${summary}`,
  );
  return ["aihub-recovery <verb> [options]", "", ...lines, "", ""].join("\n");
}

/** Of one verb: what it does and which options it takes; of an unknown one that of all. */
export function usageOf(name: string): string {
  const verb = verbs[name];
  if (!verb) return usage();
  const options = Object.entries(optionsOf(verb)).map(
    ([option, { type }]) => `  --${option}${type === "string" ? " VALUE" : ""}\n`,
  );
  return `aihub-recovery ${name}: ${verb.summary}\n\n${options.join("")}`;
}

const optionsOf = ({ options }: RecoveryVerb): NonNullable<RecoveryVerb["options"]> => ({
  ...options,
  json: { type: "boolean" },
  "skip-when-busy": { type: "boolean" },
});

/** Seconds that it waits for another run to end; undefined: it needs no lock. */
export function lockWait(name: string, args: string[]): number | undefined {
  const wait = verbs[name]?.lockSeconds;
  return wait === undefined ? undefined : args.includes("--skip-when-busy") ? 0 : wait;
}

/** @returns the exit code */
export async function runVerb(name: string, args: string[]): Promise<number> {
  const verb = verbs[name];
  if (!verb) throw new UserError(`There is no verb "${name}".\n\n${usage()}`);
  const { values, positionals } = parsed(name, verb, args);
  return verb.run(values, positionals);
}

/** @throws UserError for what it does not take */
function parsed(
  name: string,
  verb: RecoveryVerb,
  args: string[],
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  try {
    return parseArgs({ args, options: optionsOf(verb), allowPositionals: true });
  } catch (error) {
    const [what] = (error as Error).message.split(". To specify");
    throw new UserError(`${what}\n  fix: aihub-recovery ${name} --help shows what it takes`);
  }
}

/** An act that changes the host: previewed, asked for, watched from outside, and done only when the hub is well again. */
import { UserError } from "../../hub/user-error.ts";
import { ask } from "./ask.ts";
import { type Gap, GapWatch, gapText } from "./gap-watch.ts";
import { requireGates } from "./gates.ts";
import { type Plan, planOf, requireKept } from "./planned-changes.ts";
import { withSettingsCopy } from "./settings-copy.ts";
import type { OpenStack } from "./stack.ts";
import { runOperation } from "./update.ts";
import type { Values } from "./verb.ts";

export const actOptions = {
  yes: { type: "boolean", help: "do not ask" },
  json: { type: "boolean", help: "print the result as JSON on standard output" },
  "dry-run": { type: "boolean", help: "show what would be done, and do nothing" },
} as const;

/**
 * Previews the stack with one setting changed, in a copy of its settings.
 * @throws UserError when the plan takes away what must stay
 */
export async function planWith(
  open: OpenStack,
  setting: { key: string; value: string },
  refresh: boolean,
): Promise<Plan> {
  const plan = await withSettingsCopy(open, setting, (configFile) =>
    planOf(open, { refresh, configFile }),
  );
  requireKept(plan.changes);
  return plan;
}

/** @throws UserError when nobody can be asked, or the answer is no */
export async function consent(what: string, values: Values): Promise<void> {
  if (values.yes === true) return;
  if (!process.stdin.isTTY) {
    throw new UserError(`${what} asks first, and nobody can answer here; add --yes`);
  }
  if ((await ask("Go on? Type yes: ")) !== "yes")
    throw new UserError("Nothing was done: the answer was not yes");
}

export interface ActDone {
  seconds: number;
  /** By what was asked; see gap-watch.ts. */
  gaps: Record<string, Gap>;
}

/** Sets the setting for good, runs the program, and watches from before the act until the gates are good. */
export async function carryOut(
  open: OpenStack,
  setting: { key: string; value: string },
  { refresh, title }: { refresh: boolean; title: string },
): Promise<ActDone> {
  const started = Date.now();
  const outputs = await open.stack.outputs();
  const watch = new GapWatch(
    String(outputs.ipAddress?.value),
    new URL(String(outputs.url?.value)).hostname,
    String(outputs.mcpToken?.value),
  );
  let gaps: Record<string, Gap> = {};
  try {
    await open.stack.setConfig(`aihub:${setting.key}`, { value: setting.value });
    await open.progress.step(title, () =>
      runOperation(open, (options) => open.stack.up({ ...options, refresh, parallel: 8 })),
    );
    await open.progress.step("Looking whether all is well", () => requireGates(open));
  } finally {
    gaps = await watch.stop();
  }
  for (const line of gapText(gaps)) open.progress.note(line);
  return { seconds: Math.round((Date.now() - started) / 1000), gaps };
}

/** What is left to a person: another checkout, or CI, knows nothing of the change otherwise. A rehearsal is of one checkout. */
export function tellToCommit({ instance, stack }: Pick<OpenStack, "instance" | "stack">): void {
  if (instance) return;
  process.stderr.write(
    `Pulumi.${stack.name}.yaml says so now: commit and push it, or the next run from another checkout knows nothing of it.\n`,
  );
}

/** Ends what a kill left unfinished, whatever it was. Runs at boot, before each point and before each rollout. */
import { UserError } from "../hub/user-error.ts";
import { type RegisteredKind, unfinished } from "./operation.ts";
import type { Progress } from "./progress.ts";

/**
 * In the environment of what an operation starts, such as a rollout: its id. That one is at work and not unfinished.
 */
export const AT_WORK = "AIHUB_OPERATION";

/** @returns what was ended; undefined when nothing was unfinished */
export async function resume(
  kinds: readonly RegisteredKind[],
  progress: Progress,
): Promise<{ kind: string; id: string; step: string } | undefined> {
  const record = await unfinished();
  if (record === undefined || record.id === process.env[AT_WORK]) return undefined;
  const kind = kinds.find((one) => one.kind === record.kind);
  if (kind === undefined) {
    throw new UserError(
      `A ${record.kind} is unfinished (${record.step}), and this release knows nothing of it.\n  fix: apply the release that began it, or a later one, then run aihub-recovery resume`,
    );
  }
  progress.note(
    `A ${record.kind} that began at ${record.startedAt} was cut off (${record.step}): ending it`,
  );
  await kind.resume(record);
  return { kind: record.kind, id: record.id, step: record.step };
}

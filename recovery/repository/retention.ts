/** Keeps the repository from growing for ever: forgets what the policy does not keep and gives the space back. */
import type { Snapshot } from "./answers.ts";
import { RepositoryError } from "./repository-error.ts";
import type { Repository } from "./restic.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

/** To be stored between runs. */
export interface RetentionState {
  /** ISO time when space was last given back; null: never. */
  lastPrune: string | null;
  /** ISO time of the first of the failures since; null: the last run succeeded. */
  failingSince: string | null;
}

export interface RetentionResult extends RetentionState {
  /** What a person is to be told: it has failed for more than three days. Null: nothing. */
  problem: string | null;
  /** Why it failed this time. */
  failure: RepositoryError | null;
  /** Empty when forgetting itself failed. */
  kept: Snapshot[];
  removed: Snapshot[];
}

const PATIENCE_MS = 3 * 24 * 3_600_000;

/**
 * A failure is no reason to call off what was backed up just now: it is a result, and becomes a problem when it lasts.
 * @param waits whether none may go yet; that is a success too. Default: no
 */
export async function retain(
  repository: Repository,
  policy: RetentionPolicy,
  last: RetentionState,
  {
    now = new Date(),
    waits = async () => false,
  }: { now?: Date; waits?: () => Promise<boolean> } = {},
): Promise<RetentionResult> {
  let points: Awaited<ReturnType<Repository["forget"]>> = { kept: [], removed: [] };
  try {
    if (!(await waits())) {
      points = await repository.forget(policy);
      await repository.prune();
    }
    return {
      ...points,
      lastPrune: now.toISOString(),
      failingSince: null,
      problem: null,
      failure: null,
    };
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error;
    const failingSince = last.failingSince ?? now.toISOString();
    const lasting = now.getTime() - Date.parse(failingSince) > PATIENCE_MS;
    return {
      ...points,
      lastPrune: last.lastPrune,
      failingSince,
      problem: lasting
        ? `Old recovery points could not be removed since ${failingSince.slice(0, 10)}: ${error.message}`
        : null,
      failure: error,
    };
  }
}

/** Lets old points go, and remembers how that went. What cannot be let go tonight is tomorrow; what lasts becomes an alarm. */
import { recall, remember } from "../memory.ts";
import type { Progress } from "../progress.ts";
import { record, troubleOf } from "../report.ts";
import type { Repository } from "../repository/restic.ts";
import { type RetentionState, retain } from "../repository/retention.ts";
import type { RetentionPolicy } from "../repository/retention-policy.ts";

export async function letGo(
  repository: Repository,
  keep: RetentionPolicy,
  progress: Progress,
): Promise<void> {
  const last = (await recall<RetentionState>("retention")) ?? {
    lastPrune: null,
    failingSince: null,
  };
  const { lastPrune, failingSince, failure, removed } = await progress.step(
    "Letting old points go",
    () => retain(repository, keep, last),
  );
  await remember("retention", { lastPrune, failingSince } satisfies RetentionState);
  progress.note(failure ? `  not tonight: ${failure.message}` : `  ${removed.length} let go`);
  await record((state) => {
    if (lastPrune !== null) state.lastPrune = lastPrune;
    if (failure)
      state.pruneProblem = {
        ...troubleOf(failure),
        time: failingSince ?? new Date().toISOString(),
      };
    else delete state.pruneProblem;
  });
}

/** Lets old points go, and remembers how that went. What cannot be let go tonight is tomorrow; what lasts becomes an alarm. */
import { recall, remember } from "../memory.ts";
import type { Progress } from "../progress.ts";
import { record, troubleOf } from "../report.ts";
import type { Repository } from "../repository/restic.ts";
import { type RetentionState, retain } from "../repository/retention.ts";
import type { RetentionPolicy } from "../repository/retention-policy.ts";
import { waitToBeBroughtBack } from "./points-of-before.ts";

export async function letGo(
  repository: Repository,
  keep: RetentionPolicy,
  progress: Progress,
  of: "repository" | "copy" = "repository",
): Promise<void> {
  const name = of === "copy" ? "retention-of-copy" : "retention";
  const last = (await recall<RetentionState>(name)) ?? {
    lastPrune: null,
    failingSince: null,
  };
  const { lastPrune, failingSince, failure, removed } = await progress.step(
    of === "copy" ? "Letting old points of the copy go" : "Letting old points go",
    () =>
      retain(repository, keep, last, {
        async waits() {
          const waiting = await waitToBeBroughtBack(repository);
          if (waiting)
            progress.note("  none yet: those of the hub before this one wait to be brought back");
          return waiting;
        },
      }),
  );
  await remember(name, { lastPrune, failingSince } satisfies RetentionState);
  progress.note(failure ? `  not tonight: ${failure.message}` : `  ${removed.length} let go`);
  const trouble = failure && {
    ...troubleOf(failure),
    time: failingSince ?? new Date().toISOString(),
  };
  const problem = of === "copy" ? "copyPruneProblem" : "pruneProblem";
  await record((state) => {
    if (of === "repository" && lastPrune !== null) state.lastPrune = lastPrune;
    if (trouble) state[problem] = trouble;
    else delete state[problem];
  });
}

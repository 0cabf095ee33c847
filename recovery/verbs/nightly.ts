import { pushedText, pushHubWorkspace } from "../git/push-hub-workspace.ts";
import { recall, remember } from "../memory.ts";
import { type OpenHub, openHub } from "../open-hub.ts";
import { copyRepository } from "../open-repository.ts";
import { operationKinds } from "../operations.ts";
import type { Point } from "../point/point.ts";
import { takeRecorded } from "../point/take-recorded.ts";
import { progress } from "../progress.ts";
import { checkData } from "../proof/check-data.ts";
import { leaveCanary } from "../proof/leave-canary.ts";
import { proveRecorded } from "../proof/prove-recorded.ts";
import { record, troubleOf } from "../report.ts";
import { type RetentionState, retain } from "../repository/retention.ts";
import { resume } from "../resume.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const nightly: RecoveryVerb = {
  summary:
    "the night's work: canary, point, second copy, proof, git, a seventh of the data read, old points let go",
  lockSeconds: 3600,
  async run(values) {
    // Half-restored data make no point.
    await resume(operationKinds, progress);
    const hub = await openHub();
    const canary = await canaryOf(hub);
    const copy = await copyRepository(hub.secrets);
    const { snapshot } = await takeRecorded(
      { ...hub, copy, ...(canary ? { canary } : {}) },
      "nightly",
      progress,
    );
    const proof = await progress.step("Reading it back", () => proveRecorded(hub, snapshot));
    for (const note of proof.notes) progress.note(note);
    await pushToGit(hub);
    const intact = await progress.step("Reading a part of all data", () =>
      checkData(hub.repository),
    );
    await letGo(hub);
    answer(
      proof,
      proof.good
        ? "The night's point is good.\n"
        : `Not good:\n${proof.problems.map(({ what, where }) => `  ${what} (${where})\n`).join("")}`,
      values.json === true,
    );
    return proof.good && intact ? 0 : 1;
  },
};

/** Without one the point is taken all the same; its proof says that it is missing. */
async function canaryOf(hub: OpenHub): Promise<Point["canary"]> {
  try {
    return await progress.step("Writing the canary", () => leaveCanary(hub));
  } catch (error) {
    progress.note(`no canary: ${(error as Error).message}`);
    return undefined;
  }
}

/** Not tonight is tomorrow; what lasts becomes an alarm. */
async function pushToGit({ settings, secrets }: OpenHub): Promise<void> {
  try {
    const pushed = await pushHubWorkspace(settings, secrets, progress);
    if (pushed) progress.note(pushedText(pushed).trimEnd());
  } catch (error) {
    progress.note(`the workspace was not pushed: ${(error as Error).message}`);
  }
}

/** What cannot be let go tonight is tomorrow; what lasts becomes an alarm. */
async function letGo({ repository, settings }: OpenHub): Promise<void> {
  const last = (await recall<RetentionState>("retention")) ?? {
    lastPrune: null,
    failingSince: null,
  };
  const { lastPrune, failingSince, failure, removed } = await progress.step(
    "Letting old points go",
    () => retain(repository, settings.keep, last),
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

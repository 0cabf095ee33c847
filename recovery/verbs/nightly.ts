import { pushedText, pushHubWorkspace } from "../git/push-hub-workspace.ts";
import { type OpenHub, openHub } from "../open-hub.ts";
import { copyRepository } from "../open-repository.ts";
import { letGo } from "../point/let-go.ts";
import type { Point } from "../point/point.ts";
import { resumeFirst } from "../point/resume-first.ts";
import { type PointSource, requireReady, type Taken, takePoint } from "../point/take.ts";
import { isFull, isThere, takeNight } from "../point/take-night.ts";
import { takeRecorded } from "../point/take-recorded.ts";
import { progress } from "../progress.ts";
import { checkData } from "../proof/check-data.ts";
import { leaveCanary } from "../proof/leave-canary.ts";
import { proveRecorded } from "../proof/prove-recorded.ts";
import { tendCopy } from "../proof/tend-copy.ts";
import { recordCopy } from "../report.ts";
import { RepositoryError } from "../repository/repository-error.ts";
import type { Repository } from "../repository/restic.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const nightly: RecoveryVerb = {
  summary:
    "the night's work: canary, point, second copy, proof, git, a seventh of the data read, old points let go; the same of the copy",
  lockSeconds: 3600,
  async run(values) {
    await resumeFirst(progress);
    const hub = await openHub();
    const canary = await canaryOf(hub);
    const copy = await copyRepository(hub.secrets);
    const source = { ...hub, ...(canary ? { canary } : {}) };
    const clear = () => letGo(hub.repository, hub.settings.keep, progress);
    const { taken, failure } = await takeNight(
      () => takeRecorded({ ...source, copy }, "nightly", progress),
      clear,
      progress,
    );
    const there = isThere(failure);
    let sent: Pick<Taken, "copied" | "copyFailure"> = taken ?? {};
    if (failure) {
      // Where nothing is to be taken, nothing is to be let go either.
      requireReady(hub.settings);
      // What another place could take is not lost with this one.
      if (copy && (!there || failure instanceof RepositoryError)) {
        sent = await takeForCopy(source, copy);
      }
    }
    // What came there earlier is proven and checked also when tonight nothing does.
    const proof = there
      ? await progress.step("Reading it back", () => proveRecorded(hub, taken?.snapshot))
      : undefined;
    await pushToGit(hub);
    const intact =
      there && (await progress.step("Reading a part of all data", () => checkData(hub.repository)));
    if (there) await clear();
    const copyWhole = copy === undefined || (await careFor(copy, sent, hub));
    if (failure || !proof) throw failure;
    for (const note of proof.notes) progress.note(note);
    answer(
      proof,
      proof.good
        ? "The night's point is good.\n"
        : `Not good:\n${proof.problems.map(({ what, where }) => `  ${what} (${where})\n`).join("")}`,
      values.json === true,
    );
    return proof.good && intact && copyWhole ? 0 : 1;
  },
};

/** What is away tonight may be there tomorrow, and becomes an alarm by itself. */
async function careFor(
  copy: Repository,
  { copied, copyFailure }: Pick<Taken, "copied" | "copyFailure">,
  { settings }: OpenHub,
): Promise<boolean> {
  if (copied === undefined && !isFull(copyFailure)) return true;
  return tendCopy(copy, copied, settings.keep, progress);
}

async function takeForCopy(
  source: PointSource,
  copy: Repository,
): Promise<Pick<Taken, "copied" | "copyFailure">> {
  try {
    const { point, snapshot } = await takePoint(
      { ...source, repository: copy, place: "copy-repository" },
      "nightly",
      progress,
    );
    await recordCopy(point.time);
    return { copied: snapshot };
  } catch (error) {
    progress.note(`no second copy: ${(error as Error).message}`);
    await recordCopy(error as Error);
    return { copyFailure: error as Error };
  }
}

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

/** What people are told about the backups, judged from facts at the time of reading. */

import { isAhead } from "./ahead.ts";

export interface BackupFacts {
  now: Date;
  /** Whether points are taken at all. Default true. */
  enabled?: boolean;
  /** ISO 8601, like all times here: since when this hub has had backups. */
  since: string;
  lastPoint?: { time: string };
  /** Why the last try gave none. */
  pointProblem?: { what: string };
  lastProof?: { time: string; good: boolean; problems: readonly string[] };
  /** Time of the newest proof that found everything good. */
  lastGoodProof?: string;
  lastPrune?: string;
  /** Why pruning fails, and since when. */
  pruneProblem?: { time: string; what: string };
  /** When a part of the repository's data was last read without a fault. */
  lastCheck?: string;
  /** The last check of the repository's data failed. */
  checkProblem?: { time: string; what: string };
  /** A second copy is wanted. Default: when one has ever been made or tried. */
  copyWanted?: boolean;
  lastCopy?: string;
  copyProblem?: { time: string; what: string };
  /** What is wrong with what the copy holds. */
  copyCheckProblem?: { time: string; what: string };
  /** Why its old points are not let go, and since when. */
  copyPruneProblem?: { time: string; what: string };
  /** Of the workspace, to a git repository. Both missing: that is not wanted, or was not tried yet. */
  lastGit?: string;
  /** Since when it fails. */
  gitProblem?: { time: string; what: string };
  gitSecrets?: { count: number; first: readonly { path: string; kinds: readonly string[] }[] };
  lastDrill?: { time: string; ok: boolean };
  lastGoodDrill?: string;
  /** Missing: none was verified. `fits`: what it opens is what is used now. */
  escrow?: { time: string; fits: boolean };
}

export type AlarmKind =
  | "off"
  | "point"
  | "proof"
  | "drill"
  | "escrow"
  | "prune"
  | "check"
  | "copy"
  | "git"
  | "git-secrets";

export interface Alarm {
  kind: AlarmKind;
  /** A hint is nothing that is wrong yet. */
  severity: "alarm" | "hint";
  /** What is wrong, and how to fix it. */
  text: string;
}

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** A night and two hours more. */
export const BACKUP_WITHIN = 26 * HOUR;
/** A week and a day more. */
export const DRILL_WITHIN = 8 * DAY;
const PRUNE_WITHIN = 3 * DAY;
/** Each part is due within a week. */
const CHECK_WITHIN = 9 * DAY;
const COPY_WITHIN = 2 * DAY;
const GIT_WITHIN = 3 * DAY;

/** The worst first: alarms, then hints. */
export function alarms(facts: BackupFacts): Alarm[] {
  if (facts.enabled === false) {
    return [
      {
        kind: "off",
        severity: "alarm",
        text: "Backups are off: what is lost with the volume is lost. To switch them on: npm run hub -- config set backup.to spaces, then npm start.",
      },
    ];
  }
  const found = [
    point,
    proof,
    check,
    escrow,
    drill,
    prune,
    copy,
    copyCheck,
    copyPrune,
    git,
    gitSecrets,
  ].flatMap((judge) => judge(facts, (time) => age(time, facts.now)) ?? []);
  const rank = ({ severity }: Alarm) => (severity === "alarm" ? 0 : 1);
  return found.toSorted((a, b) => rank(a) - rank(b));
}

/** What was noted by a clock that was ahead is of no known age, and must not pass for fresh until that time has come. */
function age(time: string, now: Date): number {
  return isAhead(time, now) ? Number.POSITIVE_INFINITY : now.getTime() - Date.parse(time);
}

type Judge = (facts: BackupFacts, ageOf: (time: string) => number) => Alarm | undefined;

/**
 * Why something of the night was not done, and did not fail either: where the points' place is away it is not tried; what is
 * killed each night can say nothing of itself.
 */
const notDone = ({ pointProblem }: BackupFacts) =>
  pointProblem
    ? " It is done again once recovery points are; else see journalctl -u aihub-nightly on the host."
    : " The night's run does not come to its end. See journalctl -u aihub-nightly on the host.";

const alarm = (kind: AlarmKind, text: string): Alarm => ({ kind, severity: "alarm", text });
const hint = (kind: AlarmKind, text: string): Alarm => ({ kind, severity: "hint", text });

const point: Judge = ({ since, lastPoint, pointProblem }, ageOf) => {
  const why = pointProblem ? ` The last try failed: ${oneSentence(pointProblem.what)}` : "";
  const fix = " Take one now: npm run hub -- point.";
  if (lastPoint !== undefined && ageOf(lastPoint.time) <= BACKUP_WITHIN) {
    return (
      pointProblem &&
      hint(
        "point",
        `The last try to take a recovery point failed: ${oneSentence(pointProblem.what)}`,
      )
    );
  }
  if (lastPoint !== undefined) {
    return alarm(
      "point",
      `The last recovery point is ${span(ageOf(lastPoint.time))} old.${why}${fix}`,
    );
  }
  return ageOf(since) > BACKUP_WITHIN
    ? alarm("point", `In ${span(ageOf(since))} no recovery point was taken.${why}${fix}`)
    : hint("point", `There is no recovery point yet.${why}${fix}`);
};

const proof: Judge = ({ since, lastProof, lastGoodProof }, ageOf) => {
  const fix = " Prove one now: aihub-recovery prove on the host.";
  if (lastProof?.good === false) {
    const [first, ...others] = lastProof.problems;
    const more = others.length > 0 ? ` And ${others.length} more.` : "";
    const good =
      lastGoodProof === undefined
        ? "None was ever proven good."
        : `The last good proof is ${span(ageOf(lastGoodProof))} old.`;
    return alarm(
      "proof",
      `The newest recovery point is not good: ${oneSentence(first ?? "no reason is known")}${more} ${good}${fix}`,
    );
  }
  if (lastGoodProof !== undefined) {
    if (ageOf(lastGoodProof) <= BACKUP_WITHIN) return undefined;
    return alarm(
      "proof",
      `No recovery point was proven good for ${span(ageOf(lastGoodProof))}.${fix}`,
    );
  }
  return ageOf(since) > BACKUP_WITHIN
    ? alarm("proof", `No recovery point was ever proven good.${fix}`)
    : hint("proof", "No recovery point was proven good yet; that is done each night.");
};

const check: Judge = (facts, ageOf) => {
  const { since, lastCheck, checkProblem } = facts;
  if (checkProblem) {
    return alarm(
      "check",
      `The repository is damaged, or cannot be read: ${oneSentence(checkProblem.what)} What is damaged cannot be restored; keep the volume as it is until this is mended.`,
    );
  }
  const unread = Math.min(ageOf(since), ageOf(lastCheck ?? since));
  if (unread <= CHECK_WITHIN) return undefined;
  return alarm(
    "check",
    `The repository's data were not checked for ${span(unread)}.${notDone(facts)}`,
  );
};

const escrow: Judge = ({ since, escrow }, ageOf) => {
  const fix = "Write and verify one: npm run hub -- escrow --out FILE.";
  if (escrow === undefined) {
    const text = `There is no verified escrow: without the keys in it nobody can open the backups once this host is gone. ${fix}`;
    return ageOf(since) > DAY ? alarm("escrow", text) : hint("escrow", text);
  }
  if (escrow.fits) return undefined;
  return alarm(
    "escrow",
    `The escrow of ${escrow.time.slice(0, 10)} no longer opens the backups: keys or place have changed since. ${fix}`,
  );
};

const drill: Judge = ({ since, lastDrill, lastGoodDrill }, ageOf) => {
  const fix = "npm run hub -- drill --escrow FILE";
  if (lastDrill?.ok === false) {
    return alarm(
      "drill",
      `The last fire drill failed, ${span(ageOf(lastDrill.time))} ago. Its record says at what: npm run hub -- drill --show.`,
    );
  }
  if (lastGoodDrill !== undefined) {
    if (ageOf(lastGoodDrill) <= DRILL_WITHIN) return undefined;
    return alarm(
      "drill",
      `The last good fire drill was ${span(ageOf(lastGoodDrill))} ago. Hold one: ${fix}.`,
    );
  }
  return ageOf(since) > DRILL_WITHIN
    ? alarm(
        "drill",
        `There was no good fire drill yet, in ${span(ageOf(since))}. Hold one: ${fix}.`,
      )
    : hint("drill", `There was no fire drill yet. The first is due within eight days: ${fix}.`);
};

const prune: Judge = (facts, ageOf) => {
  const { since, lastPrune, pruneProblem } = facts;
  const failing = Math.min(ageOf(since), ageOf(lastPrune ?? since));
  if (pruneProblem === undefined) {
    if (failing <= PRUNE_WITHIN) return undefined;
    return alarm(
      "prune",
      `Old recovery points were not cleared away for ${span(failing)}.${notDone(facts)}`,
    );
  }
  const text = `Old recovery points cannot be cleared away: ${oneSentence(pruneProblem.what)}`;
  return failing > PRUNE_WITHIN
    ? alarm(
        "prune",
        `${text} That is so for ${span(failing)}, and the repository grows. See journalctl -u aihub-nightly on the host.`,
      )
    : hint("prune", `${text} It is tried again each night.`);
};

const copy: Judge = (facts, ageOf) => {
  const { since, lastCopy, copyProblem } = facts;
  const wanted = facts.copyWanted ?? (lastCopy !== undefined || copyProblem !== undefined);
  if (!wanted) return undefined;
  const why = copyProblem ? ` The last try failed: ${oneSentence(copyProblem.what)}` : "";
  if (ageOf(lastCopy ?? since) <= COPY_WITHIN) return undefined;
  return lastCopy === undefined
    ? alarm("copy", `The second copy was never made.${why}`)
    : alarm("copy", `The second copy is ${span(ageOf(lastCopy))} behind.${why}`);
};

const copyCheck: Judge = ({ copyCheckProblem: problem }) =>
  problem &&
  alarm(
    "copy",
    `The second copy is damaged, or cannot be read: ${oneSentence(problem.what)} See journalctl -u aihub-nightly on the host. To begin anew, empty the place and remove /data/hub/recovery/copy-repository.json on the host.`,
  );

const copyPrune: Judge = ({ copyPruneProblem: problem }, ageOf) => {
  if (problem === undefined) return undefined;
  const failing = ageOf(problem.time);
  const text = `Old points of the second copy cannot be cleared away: ${oneSentence(problem.what)}`;
  return failing > PRUNE_WITHIN
    ? alarm("copy", `${text} That is so for ${span(failing)}, and it grows.`)
    : hint("copy", `${text} It is tried again each night.`);
};

const git: Judge = ({ lastGit, gitProblem }, ageOf) => {
  const since = lastGit ?? gitProblem?.time;
  if (since === undefined) return undefined;
  const why = gitProblem ? `: ${oneSentence(gitProblem.what)}` : ".";
  const fix = " aihub-recovery push-workspace on the host tries again and says what to do.";
  if (ageOf(since) <= GIT_WITHIN) {
    return gitProblem && hint("git", `The last push of the workspace to git failed${why}${fix}`);
  }
  return alarm("git", `The workspace was not pushed to git for ${span(ageOf(since))}${why}${fix}`);
};

const gitSecrets: Judge = ({ gitSecrets: found }) => {
  if (found === undefined) return undefined;
  const named = found.first.map(({ path, kinds }) => `${path} (${kinds.join(", ")})`);
  const more = found.count - found.first.length;
  const files = found.count === 1 ? "A file looks" : `${found.count} files look`;
  return hint(
    "git-secrets",
    `${files} like a secret and stay${found.count === 1 ? "s" : ""} out of the git repository: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}. Recovery points have them all the same.`,
  );
};

/** In the unit that a person would say: 5 hours, 3 days. */
function span(milliseconds: number): string {
  if (milliseconds === Number.POSITIVE_INFINITY) return "an unknown time";
  const hours = Math.floor(milliseconds / HOUR);
  if (hours < 48) return hours === 1 ? "1 hour" : `${hours} hours`;
  return `${Math.floor(hours / 24)} days`;
}

function oneSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

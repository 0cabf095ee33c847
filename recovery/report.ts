/** How it stands with the recovery points: remembered here, and told to the hub's server. */

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { PushedWorkspace } from "./git/push-workspace.ts";
import { recall, remember, writeWhole } from "./memory.ts";
import { RECOVERY, STATUS } from "./place.ts";
import type { Taken } from "./point/take.ts";
import { isAhead } from "./proof/ahead.ts";
import { alone } from "./record-lock.ts";
import { type RecoverySecrets, readSecrets, readSettings } from "./settings.ts";

/** Facts, without judgement: whoever reads them judges by the time of reading. ISO times. */
export interface Standing {
  /** Whether points are taken at all. */
  enabled: boolean;
  /** Since when this volume has had recovery points to look after. */
  since: string;
  lastPoint?: {
    time: string;
    name: string;
    snapshot: string;
    bytesStored: number;
    bytesRead: number;
    seconds: number;
  };
  /** Why the last try gave none; unset after a good one. */
  pointProblem?: Trouble;
  /** `noCanary`: what is told from a night's point without one until there is a point with one. */
  lastProof?: {
    time: string;
    snapshot: string;
    good: boolean;
    problems: string[];
    noCanary?: string;
  };
  lastGoodProof?: string;
  lastPrune?: string;
  pruneProblem?: Trouble;
  lastCheck?: string;
  checkProblem?: Trouble;
  lastCopy?: string;
  copyProblem?: Trouble;
  copyCheckProblem?: Trouble;
  /** Since when it fails, and why the last try did. */
  copyPruneProblem?: Trouble;
  lastGit?: string;
  /** Since when it fails, and why the last try did. */
  gitProblem?: Trouble;
  /** Files that are kept out of git for what they hold: how many, and the first of them. */
  gitSecrets?: { count: number; first: { path: string; kinds: string[] }[] };
  lastDrill?: {
    time: string;
    ok: boolean;
    recoveryTimeSeconds: number;
    recoveryPointSeconds: number;
  };
  lastGoodDrill?: string;
  /** The escrow that was verified last, and whether it still opens the backups. */
  escrow?: { time: string; fits: boolean };
}

export interface Trouble {
  time: string;
  what: string;
}

const NAME = "standing";
/** Group of the hub's server. */
const READER = 1000;

export async function standing(): Promise<Standing> {
  return (await recall<Standing>(NAME)) ?? { enabled: true, since: new Date().toISOString() };
}

/** Changes what is remembered and tells it. */
export async function record(change: (now: Standing) => void): Promise<Standing> {
  await mkdir(RECOVERY, { recursive: true, mode: 0o700 });
  return alone(RECOVERY, () => recordAlone(change));
}

async function recordAlone(change: (now: Standing) => void): Promise<Standing> {
  const state = await standing();
  const now = new Date();
  // By a clock that was ahead; until then, nothing would be late.
  if (isAhead(state.since, now)) state.since = now.toISOString();
  const wanted = (await readSettings().catch(() => undefined))?.enabled ?? state.enabled;
  // Nothing is late that was not to be done.
  if (wanted && !state.enabled) state.since = now.toISOString();
  state.enabled = wanted;
  change(state);
  const secrets = await readSecrets().catch(() => undefined);
  // A copy that nobody wants any more is not behind.
  if (secrets && secrets.copy === undefined) {
    delete state.lastCopy;
    delete state.copyProblem;
    delete state.copyCheckProblem;
    delete state.copyPruneProblem;
  }
  await withEscrow(state, secrets);
  await remember(NAME, state);
  await tell(state);
  return state;
}

export async function recordPoint(result: Taken | Error, copyWanted = false): Promise<void> {
  await record((state) => {
    if (result instanceof Error) {
      state.pointProblem = troubleOf(result);
      return;
    }
    const { point, snapshot, bytesStored, bytesRead, seconds, copyFailure } = result;
    state.lastPoint = {
      time: point.time,
      name: point.name,
      snapshot,
      bytesStored,
      bytesRead,
      seconds,
    };
    delete state.pointProblem;
    if (copyWanted) {
      if (copyFailure) state.copyProblem = troubleOf(copyFailure);
      else {
        state.lastCopy = point.time;
        delete state.copyProblem;
      }
    }
  });
}

/** A second copy that was made by itself: the time of its point, or why there is none. */
export async function recordCopy(result: string | Error): Promise<void> {
  await record((state) => {
    if (result instanceof Error) {
      state.copyProblem = troubleOf(result);
      return;
    }
    state.lastCopy = result;
    delete state.copyProblem;
  });
}

/** Undefined: no such push is wanted. */
export async function recordGit(result: PushedWorkspace | Error | undefined): Promise<void> {
  await record((state) => {
    if (result instanceof Error) {
      state.gitProblem = {
        ...troubleOf(result),
        time: state.gitProblem?.time ?? new Date().toISOString(),
      };
      return;
    }
    delete state.gitProblem;
    delete state.gitSecrets;
    if (result === undefined) {
      delete state.lastGit;
      return;
    }
    state.lastGit = new Date().toISOString();
    if (result.secrets.length > 0) {
      state.gitSecrets = {
        count: result.secrets.length,
        first: result.secrets.slice(0, 3).map(({ path, kinds }) => ({ path, kinds })),
      };
    }
  });
}

export function troubleOf(error: unknown): Trouble {
  return { time: new Date().toISOString(), what: (error as Error).message.split("\n")[0] ?? "" };
}

/** The workstation writes escrow.json when it has seen an escrow open; keys that changed since make it worthless. */
async function withEscrow(state: Standing, secrets?: RecoverySecrets): Promise<void> {
  const escrow = await recall<{ time: string; fingerprint: string }>("escrow");
  if (escrow === undefined) {
    delete state.escrow;
    return;
  }
  state.escrow = {
    time: escrow.time,
    fits: secrets?.fingerprint === undefined || secrets.fingerprint === escrow.fingerprint,
  };
}

async function tell(state: Standing): Promise<void> {
  if (!existsSync(STATUS)) return;
  await writeWhole(join(STATUS, "backup.json"), `${JSON.stringify(state)}\n`, 0o640, READER);
}

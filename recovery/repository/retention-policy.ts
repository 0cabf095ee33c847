/** Which recovery points are kept, as arguments of `restic forget`. */
import type { Reason } from "../point/point.ts";

/** The newest point by the clock of each of the last so many hours, days, weeks and months that have one. */
export interface RetentionPolicy {
  hourly: number;
  daily: number;
  weekly: number;
  monthly: number;
}

export const defaultRetention: Readonly<RetentionPolicy> = {
  hourly: 24,
  daily: 30,
  weekly: 8,
  monthly: 12,
};

/** Tag of every recovery point; other snapshots in the repository are never touched. */
export const POINT_TAG = "aihub";
/** Tag of a point that stays until somebody removes it. */
export const KEEP_TAG = "keep";

const withReason = (...reasons: Reason[]) =>
  reasons.flatMap((reason) => ["--tag", `${POINT_TAG},reason:${reason}`]);
/** Points that the clock makes. */
const CLOCK = withReason("scheduled", "nightly");
/** Points that somebody may want to go back to, however many were made that hour. */
const ACTS = withReason("manual", "before-upgrade", "before-restore", "before-replacement");
/** For how long all of these stay, counted from the newest of them. */
const ACTS_STAY = "30d";

// All points are one series: machines are replaced, and paths may change.
const one = ["--group-by", "", "--keep-last", "1", "--keep-tag", KEEP_TAG];

/**
 * What is let go by the clock. Points of acts take no part: one that stood for its day or month, and went with the acts
 * later, would leave that day or month without any.
 */
export function forgetByClock({ hourly, daily, weekly, monthly }: RetentionPolicy): string[] {
  return [
    ...CLOCK,
    ...one,
    ...["--keep-hourly", String(hourly), "--keep-daily", String(daily)],
    ...["--keep-weekly", String(weekly), "--keep-monthly", String(monthly)],
  ];
}

/** What is let go of the points of acts. */
export function forgetActs(): string[] {
  return [...ACTS, ...one, "--keep-within", ACTS_STAY];
}

/** Which recovery points are kept, as arguments of `restic forget`. */

/** The newest point of each of the last so many hours, days, weeks and months that have one. */
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

/** Tags of points that somebody may want to go back to, however many were made that hour. */
const ACT_TAGS = ["manual", "before-upgrade", "before-restore", "before-replacement"].map(
  (reason) => `reason:${reason}`,
);
/** For how long all of these stay, counted from the newest of them. */
const ACTS_STAY = "30d";

// All points are one series: machines are replaced, and paths may change.
const one = ["--group-by", "", "--keep-last", "1", "--keep-tag", KEEP_TAG];

/** What is let go by the clock. Points of an act stay here, whatever the policy. */
export function forgetByClock({ hourly, daily, weekly, monthly }: RetentionPolicy): string[] {
  return [
    ...["--tag", POINT_TAG, ...one],
    ...ACT_TAGS.flatMap((tag) => ["--keep-tag", tag]),
    ...["--keep-hourly", String(hourly), "--keep-daily", String(daily)],
    ...["--keep-weekly", String(weekly), "--keep-monthly", String(monthly)],
  ];
}

/** What is let go of the points of acts. */
export function forgetActs(): string[] {
  return [
    ...ACT_TAGS.flatMap((tag) => ["--tag", `${POINT_TAG},${tag}`]),
    ...one,
    ...["--keep-within", ACTS_STAY],
  ];
}

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

export function forgetArguments({ hourly, daily, weekly, monthly }: RetentionPolicy): string[] {
  return [
    ...["--tag", POINT_TAG],
    // All points are one series: machines are replaced, and paths may change.
    ...["--group-by", ""],
    ...["--keep-last", "1", "--keep-tag", KEEP_TAG],
    ...["--keep-hourly", String(hourly), "--keep-daily", String(daily)],
    ...["--keep-weekly", String(weekly), "--keep-monthly", String(monthly)],
  ];
}

/**
 * How often certbot may order. Let's Encrypt allows 5 failed validations of a name per hour, 5 certificates of the same
 * names per week and 300 orders per 3 hours; a hub stays so far below that a person can still order by hand.
 */
import type { LedgerRun } from "./ledger.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const FAILURES_PER_HOUR = 2;
export const CERTIFICATES_PER_WEEK = 3;
/** After the first, second, ... failure in a row; the last holds for all further ones. */
const PAUSES_MS = [15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 12 * HOUR_MS, 24 * HOUR_MS];

export interface Budget {
  /** Milliseconds since 1970, from which on certbot may order; in the past: now. */
  from: number;
  /** Why not earlier, for people; undefined when nothing holds it back. */
  why: string | undefined;
  /** Whether what holds it back are failures, as opposed to certificates that came. */
  afterFailures: boolean;
}

/** Failures count for all servers alike; certificates for the one that is asked for them. */
export function budgetOf(runs: readonly LedgerRun[], server: string, now: number): Budget {
  const failures = runs.filter(({ outcome }) => isFailure(outcome));
  const failedAt = failures.map(timeOf).sort((a, b) => a - b);
  // A trial that succeeds says nothing about the order after it.
  const success = runs.findLast(
    ({ outcome, request }) => outcome === "issued" && request !== "order-staging",
  );
  const since = success ? timeOf(success) : Number.NEGATIVE_INFINITY;
  const inARow = failedAt.filter((at) => at > since).length;
  const holds: Budget[] = [];
  const last = failedAt.at(-1);
  if (inARow > 0 && last !== undefined) {
    const pause = PAUSES_MS[Math.min(inARow, PAUSES_MS.length) - 1] ?? DAY_MS;
    holds.push({ from: last + pause, why: `${inARow} failed in a row`, afterFailures: true });
  }
  const crowded = failedAt.at(-FAILURES_PER_HOUR);
  if (crowded !== undefined) {
    holds.push({
      from: crowded + HOUR_MS,
      why: `${FAILURES_PER_HOUR} failed within an hour`,
      afterFailures: true,
    });
  }
  const issued = runs
    .filter((run) => mayBeIssued(run.outcome) && run.request !== "order-staging")
    .filter((run) => run.server === server)
    .map(timeOf)
    .sort((a, b) => a - b)
    .at(-CERTIFICATES_PER_WEEK);
  if (issued !== undefined) {
    holds.push({
      from: issued + 7 * DAY_MS,
      why: `${CERTIFICATES_PER_WEEK} certificates were issued within a week`,
      afterFailures: false,
    });
  }
  return holds
    .filter(({ from }) => from > now)
    .reduce<Budget>((latest, hold) => (hold.from > latest.from ? hold : latest), {
      from: now,
      why: undefined,
      afterFailures: false,
    });
}

/** One whose end is not known may have ordered, and may have failed. */
export function isFailure(outcome: LedgerRun["outcome"]): boolean {
  return outcome === "failed" || outcome === "lost" || outcome === "started";
}

function mayBeIssued(outcome: LedgerRun["outcome"]): boolean {
  return outcome === "issued" || outcome === "lost" || outcome === "started";
}

function timeOf({ startedAt, endedAt }: LedgerRun): number {
  return endedAt ?? startedAt;
}

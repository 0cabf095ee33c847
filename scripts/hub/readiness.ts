/** Whether the hub could be had again if an act that touches the host went wrong. */
import { isAhead } from "../../recovery/proof/ahead.ts";
import { BACKUP_WITHIN, DRILL_WITHIN } from "../../recovery/proof/alarms.ts";

export interface Evidence {
  /** Milliseconds since 1970. */
  now: number;
  /** False: backups are off. */
  enabled: boolean;
  /** ISO times; unset: none, or nobody knows. */
  lastPoint?: string | undefined;
  lastGoodDrill?: string | undefined;
  /** Since when there have been recovery points to look after: a young hub has had no time for a drill. */
  since?: string | undefined;
}

const HOUR = 3_600_000;
/** From here on the hub itself sounds an alarm. */
const OLDEST_POINT_HOURS = BACKUP_WITHIN / HOUR;
const OLDEST_DRILL_DAYS = DRILL_WITHIN / HOUR / 24;

/** @returns what speaks against it, each with how to put it right; empty: nothing */
export function hindrances({ now, enabled, lastPoint, lastGoodDrill, since }: Evidence): string[] {
  if (!enabled) {
    return [
      "Backups are off: nothing could bring the hub back.\n  fix: npm run hub -- config set backup.to spaces, then npm start",
    ];
  }
  const hours = (time: string | undefined) =>
    time === undefined ? undefined : (now - Date.parse(time)) / HOUR;
  const found: string[] = [];
  // What a wrong clock wrote must not pass for fresh; the hub's own alarms say so too.
  const liesAhead = (what: string, time: string) =>
    `${what} is of ${time}, which lies ahead of this clock: nobody knows how old it is.\n  fix: set the clock that is wrong, here or on the host;`;
  const point = hours(lastPoint);
  if (lastPoint !== undefined && isAhead(lastPoint, new Date(now))) {
    found.push(`${liesAhead("The last recovery point", lastPoint)} npm run hub -- point takes one`);
  } else if (point === undefined) {
    found.push("There is no recovery point yet.\n  fix: npm run hub -- point takes one");
  } else if (!(point <= OLDEST_POINT_HOURS)) {
    found.push(
      `The last recovery point is ${Math.round(point)} hours old; more than ${OLDEST_POINT_HOURS} means that backups fail.\n` +
        "  fix: npm run hub -- status says why; npm run hub -- point takes one",
    );
  }
  const drill = hours(lastGoodDrill ?? since);
  if (lastGoodDrill !== undefined && isAhead(lastGoodDrill, new Date(now))) {
    found.push(
      `${liesAhead("The last good fire drill", lastGoodDrill)} npm run hub -- drill --escrow FILE`,
    );
  } else if (drill === undefined || !(drill <= OLDEST_DRILL_DAYS * 24)) {
    found.push(
      `${lastGoodDrill ? `The last good fire drill was ${Math.round((drill ?? 0) / 24)} days ago` : "There has been no good fire drill yet"}: whether the hub comes back from its backups has not been seen for more than ${OLDEST_DRILL_DAYS} days.\n` +
        "  fix: npm run hub -- drill --escrow FILE",
    );
  }
  return found;
}

/** Which recovery point a person means. */
import { UserError } from "../../hub/user-error.ts";
import { isAhead } from "../proof/ahead.ts";

/** As the repository lists them. */
export interface Listed {
  id: string;
  /** ISO 8601. */
  time: string;
  tags: string[];
}

const FIX = "\n  fix: aihub-recovery points lists them (npm run hub -- points)";

/**
 * `latest` (not meant by it: a point that a restore itself took of how things were, one that lies ahead of the clock), an id or the first six or more of its
 * digits, a name such as 2026-11-25T02-00-00Z-nightly, or an ISO time: the newest point of that time or before.
 * @throws UserError
 */
export function chooseSnapshot<T extends Listed>(
  snapshots: readonly T[],
  wanted: string,
  now = new Date(),
): T {
  const sorted = snapshots.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  if (sorted.length === 0) throw new UserError(`There is no recovery point yet.${FIX}`);
  if (wanted === "latest") {
    const own = (one: T) => one.tags.includes("reason:before-restore");
    const past = sorted.filter(({ time }) => !isAhead(time, now));
    // When all lie ahead, it is this clock that is wrong.
    const meant = past.length > 0 ? past : sorted;
    return (meant.findLast((one) => !own(one)) ?? meant.at(-1)) as T;
  }
  if (/^[0-9a-f]{6,64}$/.test(wanted)) {
    const found = sorted.filter(({ id }) => id.startsWith(wanted));
    if (found.length > 1) throw new UserError(`"${wanted}" begins the id of several points.${FIX}`);
    if (found[0]) return found[0];
  }
  // The name is among its tags; two hubs that stand in for one another may make points of one name.
  const tagged = sorted.filter(({ tags }) => tags.includes(`point:${wanted}`));
  if (tagged.length > 1) {
    throw new UserError(`"${wanted}" is the name of several points: name one by its id.${FIX}`);
  }
  if (tagged[0]) return tagged[0];
  const named = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d)Z-([a-z-]+)$/.exec(wanted);
  if (named) {
    const [, day, hours, minutes, seconds, reason = ""] = named;
    const time = Date.parse(`${day}${hours}:${minutes}:${seconds}Z`);
    // A point is named when it begins and listed when its files are sent.
    const found = sorted.find(
      (one) => Date.parse(one.time) >= time && one.tags.includes(`reason:${reason}`),
    );
    if (found) return found;
  } else if (/^\d{4}-\d\d-\d\d/.test(wanted)) {
    const time = Date.parse(wanted);
    if (Number.isNaN(time)) throw new UserError(`"${wanted}" is no time.${FIX}`);
    const found = sorted.findLast((one) => Date.parse(one.time) <= time);
    if (found) return found;
    throw new UserError(
      `No recovery point is as old as ${wanted}; the oldest is of ${sorted[0]?.time}.${FIX}`,
    );
  }
  throw new UserError(`There is no recovery point "${wanted}".${FIX}`);
}

/** Times that lie ahead of the clock: one of the two clocks was, or is, wrong. */

/** Clocks of two machines that are both right may differ by less. */
const TOLERATED = 60 * 60 * 1000;

/** `time` is ISO 8601. */
export function isAhead(time: string, now: Date): boolean {
  return Date.parse(time) - now.getTime() > TOLERATED;
}

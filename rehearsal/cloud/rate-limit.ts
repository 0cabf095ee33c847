/** DigitalOcean's limit of calls an hour, told in every answer. */
import { tooManyRequests } from "./api-error.ts";

const PER_HOUR = 5_000;
const HOUR_MS = 3_600_000;

export interface RateLimit {
  /** Counts one call and returns the headers of its answer. */
  count(): Record<string, string>;
  /** Refuses the call when the hour is used up. */
  check(): void;
}

export function rateLimit(): RateLimit {
  let reset = Date.now() + HOUR_MS;
  let used = 0;
  return {
    count() {
      if (Date.now() >= reset) {
        reset = Date.now() + HOUR_MS;
        used = 0;
      }
      used += 1;
      return {
        "ratelimit-limit": String(PER_HOUR),
        "ratelimit-remaining": String(Math.max(0, PER_HOUR - used)),
        "ratelimit-reset": String(Math.ceil(reset / 1000)),
      };
    },
    check() {
      if (used > PER_HOUR) throw tooManyRequests(Math.ceil((reset - Date.now()) / 1000));
    },
  };
}

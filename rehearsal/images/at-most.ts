/** Runs a job when there is room for it; among those that wait, the one with the largest weight begins first. */
export type Slot = <T>(weight: number, job: () => Promise<T>) => Promise<T>;

/**
 * Room for `limit` jobs at a time. Jobs of the same weight begin in the order in which they came.
 * A job must not wait for another job of the same room.
 */
export function atMost(limit: number): Slot {
  let running = 0;
  const waiting: { weight: number; begin: () => void }[] = [];
  return async (weight, job) => {
    if (running < limit) running++;
    else {
      await new Promise<void>((begin) => {
        waiting.push({ weight, begin });
        waiting.sort((a, b) => b.weight - a.weight);
      });
    }
    try {
      return await job();
    } finally {
      // The place goes to the next one directly, so that no newcomer can slip in between.
      const next = waiting.shift();
      if (next) next.begin();
      else running--;
    }
  };
}

/**
 * Returns a function that runs jobs given to it, `limit` of them at a time, in the order in which they came.
 * A job must not wait for another job of the same queue.
 */
export function atMost(limit: number): <T>(job: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (job) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await job();
    } finally {
      // Its place goes to the next one directly, so that no newcomer can slip in between.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

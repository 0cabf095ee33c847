/** Lets one change at a time touch a path; changes of different paths run side by side. */
export class PathLocks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `change` while nobody else holds any of `keys`. Keys are taken in one order, so no two calls wait for each other. */
  async hold<T>(keys: string[], change: () => Promise<T>): Promise<T> {
    const [key, ...rest] = [...new Set(keys)].sort();
    if (key === undefined) return change();
    const before = this.#tails.get(key) ?? Promise.resolve();
    const done = Promise.withResolvers<void>();
    this.#tails.set(key, done.promise);
    await before;
    try {
      return await this.hold(rest, change);
    } finally {
      if (this.#tails.get(key) === done.promise) this.#tails.delete(key);
      done.resolve();
    }
  }
}

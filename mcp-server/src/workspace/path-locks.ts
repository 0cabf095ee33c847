/**
 * Which changes of one process may run side by side: those of different files. A change that takes "all" (moves and deletes
 * folders, undoes much) runs alone.
 */
export class PathLocks {
  readonly #tails = new Map<string, Promise<void>>();
  /** Resolved when the last change that takes everything has ended. */
  #all: Promise<void> = Promise.resolve();
  readonly #running = new Set<Promise<void>>();

  /** Runs `change` while nobody else holds any of `paths`, in the order of asking. */
  async hold<T>(paths: readonly string[] | "all", change: () => Promise<T>): Promise<T> {
    const done = Promise.withResolvers<void>();
    const before =
      paths === "all"
        ? [...this.#running]
        : [this.#all, ...paths.map((path) => this.#tails.get(path))];
    this.#running.add(done.promise);
    if (paths === "all") this.#all = Promise.all([this.#all, done.promise]).then(() => {});
    else for (const path of paths) this.#tails.set(path, done.promise);
    try {
      await Promise.all(before);
      return await change();
    } finally {
      this.#running.delete(done.promise);
      if (paths !== "all") {
        for (const path of paths)
          if (this.#tails.get(path) === done.promise) this.#tails.delete(path);
      }
      done.resolve();
    }
  }
}

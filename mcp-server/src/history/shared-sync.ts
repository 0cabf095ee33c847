/** Makes many waiters share one fsync: whoever comes while one runs joins the next, which covers all that they wrote. */
export class SharedSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves when everything written before the call is on the disk. */
  done(): Promise<void> {
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(running: Promise<void> | undefined): Promise<void> {
    // Also without one running: those who come in the same turn of the event loop share.
    await running?.catch(() => {});
    await Promise.resolve();
    this.#running = this.#next;
    this.#next = undefined;
    const mine = this.#running;
    try {
      await this.#sync();
    } finally {
      if (this.#running === mine) this.#running = undefined;
    }
  }
}

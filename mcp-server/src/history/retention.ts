/** How long old versions and deleted files are kept, and what takes the rest away. */
import { readdirSync, rmSync, unlinkSync } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import type { StateFolder } from "../workspace/state-folder.ts";
import type { Journal } from "./journal.ts";

export interface Retention {
  /** Days that history and trash reach back; default 90. */
  days: number;
  /** Bytes that old versions and the trash may take; the oldest go first. Default 2 GiB. */
  bytes: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Files removed before other callers get their turn. */
const AT_ONCE = 100;

export class Retentions {
  readonly #retention: Retention;
  readonly #state: StateFolder;
  readonly #journal: Journal;
  readonly #alone: (act: () => Promise<void>) => Promise<void>;
  #timer: NodeJS.Timeout | undefined;

  /** `alone` runs something while no other process changes the workspace. */
  constructor(
    retention: Partial<Retention>,
    state: StateFolder,
    journal: Journal,
    alone: (act: () => Promise<void>) => Promise<void>,
  ) {
    this.#retention = { days: 90, bytes: 2 * 1024 ** 3, ...retention };
    this.#state = state;
    this.#journal = journal;
    this.#alone = alone;
  }

  /** Looks once an hour. */
  start(): void {
    const look = () =>
      this.prune().catch((error: Error) =>
        process.stderr.write(`old versions could not be removed: ${error.message}\n`),
      );
    this.#timer = setInterval(look, HOUR).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Forgets changes beyond the retention, and removes the contents that no remaining change needs. */
  prune(now: number = Date.now()): Promise<void> {
    return this.#alone(async () => {
      const { days, bytes } = this.#retention;
      const last = Math.max(
        this.#journal.olderThan(now - days * DAY) ?? 0,
        this.#journal.beyond(bytes) ?? 0,
      );
      if (last === 0) return;
      this.#journal.forgetUpTo(last);
      const needed = this.#journal.needed();
      let looked = 0;
      for (const hash of this.#state.objects()) {
        if (!needed.objects.has(hash)) unlinkSync(this.#state.object(hash));
        if (++looked % AT_ONCE === 0) await breathe();
      }
      for (const name of readdirSync(this.#state.trash.entry("."))) {
        if (!needed.trash.has(name))
          rmSync(this.#state.trash.entry(name), { recursive: true, force: true });
        await breathe();
      }
    });
  }
}

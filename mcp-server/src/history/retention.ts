/** How long old versions and deleted files are kept, and what takes the rest away. */
import { readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { StateFolder } from "../workspace/state-folder.ts";
import type { Expiry } from "./expiry.ts";

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

interface Garbage {
  objects: string[];
  trash: string[];
  /** The newest change there was when this was found. */
  newest: number;
}

export class Retentions {
  readonly #retention: Retention;
  readonly #state: StateFolder;
  readonly #expiry: Expiry;
  readonly #settle: () => Promise<void>;
  readonly #alone: <T>(act: () => T) => Promise<T>;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Whether everything found unneeded has been removed since the start. */
  #swept = false;

  /** `settle` makes durable what was done; `alone` runs something while nobody, also in this process, changes the workspace. */
  constructor(
    retention: Partial<Retention>,
    state: StateFolder,
    expiry: Expiry,
    settle: () => Promise<void>,
    alone: <T>(act: () => T) => Promise<T>,
  ) {
    this.#retention = { days: 90, bytes: 2 * 1024 ** 3, ...retention };
    this.#state = state;
    this.#expiry = expiry;
    this.#settle = settle;
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

  /** Resolves when nothing is being removed any more; what is left then goes the next time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped = true;
    await this.#running.catch(() => {});
  }

  /** Forgets changes beyond the retention, and removes the contents that no remaining change needs. */
  prune(now: number = Date.now()): Promise<void> {
    this.#running = this.#running.catch(() => {}).then(() => this.#prune(now));
    return this.#running;
  }

  async #prune(now: number): Promise<void> {
    await this.#settle();
    const garbage = await this.#alone(() => this.#forget(now));
    if (!garbage) return;
    // What nobody needs may be needed again by the time that its turn comes: the same content is written and replaced.
    for (let at = 0; at < garbage.objects.length && !this.#stopped; at += AT_ONCE) {
      await this.#alone(() => {
        const { objects } = this.#expiry.needed(garbage.newest);
        for (const hash of garbage.objects.slice(at, at + AT_ONCE))
          if (!objects.has(hash)) rmSync(this.#state.object(hash), { force: true });
      });
    }
    // Names in the trash never come again.
    for (const name of garbage.trash) {
      if (this.#stopped) return;
      await rm(this.#state.trash.entry(name), { recursive: true, force: true });
    }
    this.#swept = !this.#stopped;
  }

  /** Forgets, and says what nobody needs now; undefined when that cannot be anything. */
  #forget(now: number): Garbage | undefined {
    const { days, bytes } = this.#retention;
    const last = this.#expiry.last(now - days * DAY, bytes);
    if (last <= 0 && this.#swept) return undefined;
    this.#swept = false;
    if (last > 0) this.#expiry.forgetUpTo(last);
    const needed = this.#expiry.needed();
    return {
      objects: this.#state.objects().filter((hash) => !needed.objects.has(hash)),
      trash: readdirSync(this.#state.trash.entry(".")).filter((name) => !needed.trash.has(name)),
      newest: this.#expiry.newest(),
    };
  }
}

/**
 * One process at a time changes a workspace. SQLite's file lock is the lock: the kernel lets go of it when its owner dies,
 * however it dies, and it works across containers that share the file system. Calls within a process share it.
 */
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { asSystemError } from "../history/database.ts";
import { ToolError } from "../tools/tool-error.ts";

/** Held this long without a pause, it is let go for a moment, so that another process gets its turn. */
const TURN_MS = 50;
/** Kept this long after its last use, so that one who changes many things in a row takes it once. */
const LINGER_MS = 5;
/** Waited this long, something is wrong with the owner. */
const PATIENCE_MS = 20_000;

export class ProcessLock {
  readonly #database: DatabaseSync;
  readonly #afterTake: () => Promise<void>;
  readonly #beforeRelease: () => void;
  #isNew: boolean;
  #held = false;
  #holders = 0;
  #since = 0;
  #lingering: NodeJS.Timeout | undefined;
  /** Set while the lock is being taken or handed over: newcomers wait for it. */
  #turn: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  /** Both run with the lock held; when `afterTake` fails, it is let go. */
  constructor(file: string, afterTake: () => Promise<void>, beforeRelease: () => void) {
    this.#database = new DatabaseSync(file);
    this.#isNew = statSync(file).size === 0;
    // Nothing that reads the file: another process may hold it.
    this.#database.exec("PRAGMA busy_timeout = 0;");
    this.#afterTake = afterTake;
    this.#beforeRelease = beforeRelease;
  }

  /** Runs `use` while no other process holds the lock. Throws ToolError when another one holds it for too long. */
  async hold<T>(use: () => Promise<T>): Promise<T> {
    const since = performance.now();
    while (this.#turn) await this.#turn;
    clearTimeout(this.#lingering);
    // Who has waited for another one to take it in vain has no patience left.
    if (!this.#held) await this.#lead(() => this.#take(since));
    else if (performance.now() - this.#since > TURN_MS) await this.#lead(() => this.#yield());
    this.#holders++;
    try {
      return await use();
    } finally {
      if (--this.#holders === 0) {
        if (this.#drained) this.#drained();
        else this.#lingering = setTimeout(() => this.#release(), LINGER_MS).unref();
      }
    }
  }

  close(): void {
    clearTimeout(this.#lingering);
    if (this.#held) this.#release();
    this.#database.close();
  }

  async #lead(act: () => Promise<void>): Promise<void> {
    const turn = act();
    // Those who wait look again by themselves when it failed.
    this.#turn = turn
      .catch(() => {})
      .finally(() => {
        this.#turn = undefined;
      });
    await turn;
  }

  async #yield(): Promise<void> {
    if (this.#holders > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
      this.#drained = undefined;
    }
    this.#release();
    await sleep(1 + Math.random() * 3);
    await this.#take(performance.now());
  }

  /** Tries once at least; `since`: when the wait for it began. */
  async #take(since: number): Promise<void> {
    while (!this.#tryTake()) {
      if (performance.now() - since > PATIENCE_MS) {
        throw new ToolError(
          `Another process has been changing this workspace for ${PATIENCE_MS / 1000} s. Try again; when it stays so, end the process that hangs.`,
        );
      }
      await sleep(1 + Math.random() * 4);
    }
    this.#held = true;
    this.#since = performance.now();
    try {
      await this.#afterTake();
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #tryTake(): boolean {
    try {
      this.#database.exec("BEGIN EXCLUSIVE");
      if (this.#isNew) {
        // A file with something in it is locked without writing, so also on a full disk.
        this.#database.exec("PRAGMA user_version = 1; COMMIT; BEGIN EXCLUSIVE");
        this.#isNew = false;
      }
      return true;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      // SQLITE_BUSY, or one of its finer codes: somebody else has it.
      if (((error as { errcode?: number }).errcode ?? 0) % 256 === 5) return false;
      throw asSystemError(error);
    }
  }

  #release(): void {
    try {
      this.#beforeRelease();
    } catch (error) {
      // The next owner must get its turn all the same; what was not written down, recovery finds out.
      process.stderr.write(`the journal could not be brought up to date: ${String(error)}\n`);
    }
    this.#held = false;
    this.#database.exec("ROLLBACK");
  }
}

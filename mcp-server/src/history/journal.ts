/**
 * What was changed, by whom and why: one row a change, one row a step of it, in SQLite. A change is journalled, with the
 * contents it writes, before it is carried out, so that after a crash it can be finished. So the journal alone has to be
 * synced before a write is acknowledged, once for all writers that wait; the files themselves follow later (settle.ts).
 */
import { closeSync, fdatasync, openSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { promisify } from "node:util";
import type { Reserve } from "../workspace/reserve.ts";
import { asSystemError, openDatabase } from "./database.ts";
import { Expiry } from "./expiry.ts";
import { Records } from "./records.ts";

/** `restore`: takes something out of the trash again. */
export type Operation = "write" | "delete" | "move" | "make_directory" | "restore";

/** One step of a change. Paths are workspace-relative. */
export interface Step {
  op: Operation;
  path: string;
  /** move: where it was. */
  from?: string;
  /** Hash, size and mode of the content that the step took away; no hash for folders and files too large to hash. */
  before?: string;
  beforeSize?: number;
  beforeMode?: number;
  /** The same of the content that it put there. */
  after?: string;
  size?: number;
  mode?: number;
  /** Name in the trash: of what was taken away and is no object; restore: of what is put back. */
  trash?: string;
  /** write: name of the unfinished file. */
  temporary?: string;
  /** delete, move, restore: inode of what is taken, by which a half-done step is told from a done one. */
  inode?: number;
  /** write: where the journal has the content, as long as it is not durable in its place. */
  content?: number;
  /** What the step takes or puts there is a folder. */
  folder?: boolean;
}

export interface ChangeRecord {
  id: number;
  /** Milliseconds since 1970. */
  time: number;
  tool: string;
  token: string;
  user?: string;
  chat?: string;
  message?: string;
  reason?: string;
}

export interface StepRecord extends Step {
  change: ChangeRecord;
  number: number;
}

interface Waiting {
  change: Omit<ChangeRecord, "id">;
  steps: readonly Step[];
  contents: ReadonlyMap<number, Uint8Array>;
  resolve: (id: number) => void;
  reject: (error: unknown) => void;
}

/** How far a change is: journalled; carried out, but lost with the machine's power; durable in its place. */
const [JOURNALLED, CARRIED_OUT, SETTLED] = [0, 1, 2];

/** What was done is written down this much later at the latest, milliseconds. */
const MARK_MS = 20;

export class Journal {
  readonly records: Records;
  readonly expiry: Expiry;
  readonly #database: DatabaseSync;
  readonly #reserve: Reserve;
  readonly #log: number;
  readonly #sync: () => Promise<void>;
  readonly #insertChange: StatementSync;
  readonly #insertStep: StatementSync;
  readonly #mark: StatementSync;
  readonly #insertContent: StatementSync;
  readonly #dropContents: StatementSync;
  readonly #dropSteps: StatementSync;
  readonly #dropChange: StatementSync;
  readonly #open: StatementSync;
  readonly #commit: StatementSync;
  readonly #findUnfinished: StatementSync;
  #queue: Waiting[] = [];
  #pumping = false;
  #unmarked: { id: number; state: number }[] = [];
  #unwanted: number[] = [];
  #marking: NodeJS.Timeout | undefined;

  /** Throws an Error for people when the file is of a newer server. */
  constructor(file: string, reserve: Reserve) {
    this.#reserve = reserve;
    this.#database = reserve.use(() => openDatabase(file));
    this.records = new Records(this.#database);
    this.expiry = new Expiry(this.#database, (act) => this.#transaction(act));
    this.#log = openSync(`${file}-wal`, "r+");
    const sync = promisify(fdatasync);
    this.#sync = () => sync(this.#log);
    this.#insertChange = this.#database.prepare(
      "INSERT INTO changes (time, tool, token, user, chat, message, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#insertStep = this.#database.prepare(
      `INSERT INTO steps VALUES (${Array.from({ length: 16 }, () => "?").join(", ")})`,
    );
    this.#mark = this.#database.prepare("UPDATE changes SET state = ? WHERE id = ?");
    this.#insertContent = this.#database.prepare("INSERT INTO contents (bytes) VALUES (?)");
    // The numbers of contents come again: what a settled change had under its numbers is another's by now.
    this.#dropContents = this.#database.prepare(
      `DELETE FROM contents WHERE id IN (
         SELECT content FROM steps JOIN changes ON changes.id = steps.change WHERE changes.id = ? AND state < ${SETTLED}
       )`,
    );
    this.#dropSteps = this.#database.prepare("DELETE FROM steps WHERE change = ?");
    this.#dropChange = this.#database.prepare("DELETE FROM changes WHERE id = ?");
    this.#open = this.#database.prepare("BEGIN IMMEDIATE");
    this.#commit = this.#database.prepare("COMMIT");
    this.#findUnfinished = this.#database.prepare(
      `SELECT 1 FROM changes WHERE state < ${SETTLED} AND state = ${JOURNALLED} LIMIT 1`,
    );
  }

  /**
   * Journals a change, with the contents of its steps (by their numbers) where these are not durable elsewhere. Durable when
   * the promise resolves; those who come while an earlier one is being synced share a transaction. Rejects with SQLite's error
   * when it does not fit.
   */
  begin(
    change: Omit<ChangeRecord, "id">,
    steps: readonly Step[],
    contents: ReadonlyMap<number, Uint8Array>,
  ): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#queue.push({ change, steps, contents, resolve, reject });
    if (!this.#pumping) void this.#pump();
    return promise;
  }

  /**
   * The change has been carried out, and is durable in its place when `settled`. Written down with the next change, or a moment
   * later: until then recovery takes it for one that nobody was told of.
   */
  done(id: number, settled: boolean): void {
    this.#unmarked.push({ id, state: settled ? SETTLED : CARRIED_OUT });
    this.#marking ??= setTimeout(() => {
      this.#marking = undefined;
      try {
        this.flush();
      } catch {
        // Written down with the next change.
      }
    }, MARK_MS).unref();
  }

  /** Writes down which changes are done. To be called before another process may change the workspace. */
  flush(): void {
    if (this.#unmarked.length + this.#unwanted.length > 0)
      this.#reserve.use(() => this.#transaction(() => this.#markAll(), true));
  }

  /** Steps that were carried out and are not yet durable in their places, in their order. */
  unsettled(): StepRecord[] {
    return this.#inState(CARRIED_OUT);
  }

  /** The changes of these steps are durable in their places: the journal drops their contents. */
  settled(steps: readonly StepRecord[]): void {
    this.#transaction(() => {
      for (const id of new Set(steps.map(({ change }) => change.id))) {
        this.#dropContents.run(id);
        this.#mark.run(SETTLED, id);
      }
    });
  }

  /** Content that a step writes; undefined when the journal does not have it. */
  content(step: StepRecord): Buffer | undefined {
    if (step.content === undefined) return undefined;
    const row = this.#database.prepare("SELECT bytes FROM contents WHERE id = ?").get(step.content);
    return row && Buffer.from(row.bytes as Uint8Array);
  }

  /** The run of the machine's kernel, or of the disk's mount, in which the journal was used last; undefined for a new journal. */
  lastBoot(): string | undefined {
    return this.#database.prepare("SELECT id FROM boots").get()?.id as string | undefined;
  }

  /** Names the run in which the journal is used. To be called when nothing of another one is open. */
  boot(id: string): void {
    this.#transaction(() => {
      this.#database.exec("DELETE FROM boots");
      this.#database.prepare("INSERT INTO boots VALUES (?)").run(id);
    });
  }

  /** Takes a step back that could not be carried out after a crash, and its change when it has no other. */
  forgetStep(change: number, number: number): void {
    this.#transaction(() => {
      const step = "FROM steps WHERE change = ? AND number = ?";
      this.#database
        .prepare(`DELETE FROM contents WHERE id = (SELECT content ${step})`)
        .run(change, number);
      this.#database.prepare(`DELETE ${step}`).run(change, number);
      this.#database
        .prepare(
          "DELETE FROM changes WHERE id = ? AND NOT EXISTS (SELECT 1 FROM steps WHERE change = ?)",
        )
        .run(change, change);
    });
  }

  /** Takes a change back that was not carried out; on a full disk as soon as it can be written down. */
  forget(id: number): void {
    this.#unwanted.push(id);
    try {
      this.flush();
    } catch {
      // Written down with the next change.
    }
  }

  /** Steps of changes that were journalled and perhaps not carried out, in their order. */
  unfinished(): StepRecord[] {
    return this.#inState(JOURNALLED);
  }

  /** Steps of each change that is not durable in its place, in their order. */
  open(): StepRecord[][] {
    const steps = this.records.select(`WHERE state < ${SETTLED} ORDER BY changes.id, steps.number`);
    return [...Map.groupBy(steps, ({ change }) => change.id).values()];
  }

  hasUnfinished(): boolean {
    return this.#findUnfinished.get() !== undefined;
  }

  close(): void {
    clearTimeout(this.#marking);
    this.flush();
    closeSync(this.#log);
    this.#database.close();
  }

  #markAll(): void {
    for (const { id, state } of this.#unmarked) this.#mark.run(state, id);
    for (const id of this.#unwanted) {
      this.#dropContents.run(id);
      this.#dropSteps.run(id);
      this.#dropChange.run(id);
    }
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    // Those who come in the same turn of the event loop share as well.
    await Promise.resolve();
    for (let batch = this.#queue; batch.length > 0; batch = this.#queue) {
      this.#queue = [];
      const journalled = this.#insertAll(batch);
      try {
        if (journalled.length > 0) await this.#sync();
        for (const { waiting, id } of journalled) waiting.resolve(id);
      } catch (error) {
        for (const { waiting, id } of journalled) {
          this.forget(id);
          waiting.reject(error);
        }
      }
    }
    this.#pumping = false;
  }

  /** Refuses what does not fit; the rest is journalled. */
  #insertAll(batch: Waiting[]): { waiting: Waiting; id: number }[] {
    try {
      return this.#transaction(() => {
        this.#markAll();
        return batch.map((waiting) => ({ waiting, id: this.#insert(waiting) }));
      }, true);
    } catch (error) {
      const [only, ...others] = batch;
      if (only && others.length === 0) {
        only.reject(error);
        return [];
      }
      return batch.flatMap((one) => this.#insertAll([one]));
    }
  }

  #insert({ change, steps, contents }: Waiting): number {
    const { lastInsertRowid } = this.#insertChange.run(
      change.time,
      change.tool,
      change.token,
      change.user ?? null,
      change.chat ?? null,
      change.message ?? null,
      change.reason ?? null,
    );
    for (const [number, step] of steps.entries()) {
      const bytes = contents.get(number);
      this.#insertStep.run(
        lastInsertRowid,
        number,
        step.op,
        step.path,
        step.from ?? null,
        step.before ?? null,
        step.beforeSize ?? null,
        step.beforeMode ?? null,
        step.after ?? null,
        step.size ?? null,
        step.mode ?? null,
        step.trash ?? null,
        step.temporary ?? null,
        step.inode ?? null,
        bytes ? this.#insertContent.run(bytes).lastInsertRowid : null,
        step.folder ? 1 : 0,
      );
    }
    return Number(lastInsertRowid);
  }

  #transaction<T>(act: () => T, marks = false): T {
    this.#open.run();
    try {
      const result = act();
      this.#commit.run();
      if (marks) {
        this.#unmarked = [];
        this.#unwanted = [];
      }
      return result;
    } catch (error) {
      // SQLite has rolled some failures back by itself.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw asSystemError(error);
    }
  }

  /** Spelled so that SQLite goes by the index of open changes, and not through the whole history. */
  #inState(state: number): StepRecord[] {
    return this.records.select(
      `WHERE state < ${SETTLED} AND state = ${state} ORDER BY changes.id, steps.number`,
    );
  }
}

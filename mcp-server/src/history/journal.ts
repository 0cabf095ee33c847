/**
 * What was changed, by whom and why: one row a change, one row a step of it, in SQLite. A change is journalled before it is
 * carried out, so that after a crash it can be finished.
 */
import { closeSync, fdatasync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { promisify } from "node:util";
import { SharedSync } from "./shared-sync.ts";

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

const schema = `
CREATE TABLE IF NOT EXISTS changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,
  tool TEXT NOT NULL, token TEXT NOT NULL, user TEXT, chat TEXT, message TEXT, reason TEXT
);
CREATE TABLE IF NOT EXISTS steps (
  change INTEGER NOT NULL, number INTEGER NOT NULL, op TEXT NOT NULL, path TEXT NOT NULL, origin TEXT,
  before TEXT, before_size INTEGER, before_mode INTEGER, after TEXT, size INTEGER, mode INTEGER,
  trash TEXT, temporary TEXT, inode INTEGER, folder INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (change, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS steps_path ON steps (path, change);
CREATE INDEX IF NOT EXISTS steps_origin ON steps (origin, change) WHERE origin IS NOT NULL;
CREATE INDEX IF NOT EXISTS steps_before ON steps (before) WHERE before IS NOT NULL;
CREATE INDEX IF NOT EXISTS changes_chat ON changes (chat) WHERE chat IS NOT NULL;
CREATE INDEX IF NOT EXISTS changes_open ON changes (id) WHERE done = 0;
CREATE INDEX IF NOT EXISTS changes_time ON changes (time);
`;

/** Version of the tables; a newer server may find an older one here and must then carry it over. */
const VERSION = 1;

const COLUMNS = `steps.change, steps.number, op, path, origin, before, before_size, before_mode, after, size, mode, trash,
  temporary, inode, folder, time, tool, token, user, chat, message, reason`;

export class Journal {
  readonly #database: DatabaseSync;
  readonly #log: number;
  readonly #sync: SharedSync;
  readonly #insertChange: StatementSync;
  readonly #insertStep: StatementSync;
  readonly #markDone: StatementSync;
  #unmarked: number[] = [];
  #unwanted: number[] = [];

  /** Throws an Error for people when the file is of a newer server. */
  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    // The log is made durable by the group of writers that waits for it, not by each commit alone.
    this.#database.exec(
      "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024;",
    );
    const version = Number(this.#database.prepare("PRAGMA user_version").get()?.user_version);
    if (version > VERSION) {
      throw new Error(
        `The history in ${file} was written by a newer version of this server. Use that one.`,
      );
    }
    this.#database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${VERSION}; COMMIT;`);
    this.#log = openSync(`${file}-wal`, "r+");
    const sync = promisify(fdatasync);
    this.#sync = new SharedSync(() => sync(this.#log));
    this.#insertChange = this.#database.prepare(
      "INSERT INTO changes (time, tool, token, user, chat, message, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#insertStep = this.#database.prepare(
      `INSERT INTO steps VALUES (${Array.from({ length: 15 }, () => "?").join(", ")})`,
    );
    this.#markDone = this.#database.prepare("UPDATE changes SET done = 1 WHERE id = ?");
  }

  /** Journals a change as not yet done. Durable when the promise resolves. Throws SQLite's error when it does not fit. */
  async begin(change: Omit<ChangeRecord, "id">, steps: readonly Step[]): Promise<number> {
    const id = this.#transaction(() => {
      this.#markAll();
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
          step.folder ? 1 : 0,
        );
      }
      return Number(lastInsertRowid);
    }, true);
    await this.#sync.done();
    return id;
  }

  /** The change has been carried out; written down with the next change or by `settle`. */
  done(id: number): void {
    this.#unmarked.push(id);
  }

  /** Writes down which changes are done. To be called before another process may change the workspace. */
  settle(): void {
    if (this.#unmarked.length + this.#unwanted.length > 0)
      this.#transaction(() => this.#markAll(), true);
  }

  /** Takes a step back that could not be carried out after a crash. */
  forgetStep(change: number, number: number): void {
    this.#transaction(() => {
      this.#database
        .prepare("DELETE FROM steps WHERE change = ? AND number = ?")
        .run(change, number);
    });
  }

  /** Takes a change back that was not carried out; on a full disk as soon as it can be written down. */
  forget(id: number): void {
    this.#unwanted.push(id);
    try {
      this.settle();
    } catch {
      // Written down with the next change.
    }
  }

  /** Steps of changes that were journalled and perhaps not carried out, in their order. */
  unfinished(): StepRecord[] {
    return this.#select("WHERE done = 0 ORDER BY steps.change, steps.number");
  }

  change(id: number): StepRecord[] {
    return this.#select("WHERE steps.change = ? ORDER BY steps.number DESC", id);
  }

  /** Steps of everything that one chat did, newest first. */
  chat(chat: string): StepRecord[] {
    return this.#select("WHERE chat = ? ORDER BY steps.change DESC, steps.number DESC", chat);
  }

  /** Steps at any of `paths`, or that moved something away from there, before a step; newest first. */
  at(paths: readonly string[], before: Position, limit: number): StepRecord[] {
    const list = paths.map(() => "?").join(", ");
    return this.#select(
      `WHERE (path IN (${list}) OR origin IN (${list})) AND (steps.change, steps.number) < (?, ?)
       ORDER BY steps.change DESC, steps.number DESC LIMIT ?`,
      ...paths,
      ...paths,
      before.change,
      before.number,
      limit,
    );
  }

  /** Steps below a project, or of everything (undefined), before a step; newest first. */
  recent(project: string | undefined, before: Position, limit: number): StepRecord[] {
    return this.#select(
      `WHERE (? IS NULL OR path = ? OR (path > ? AND path < ?)) AND (steps.change, steps.number) < (?, ?)
       ORDER BY steps.change DESC, steps.number DESC LIMIT ?`,
      project ?? null,
      project ?? null,
      `${project}/`,
      `${project}0`,
      before.change,
      before.number,
      limit,
    );
  }

  /** Whether some step still needs the content with this hash. */
  needs(hash: string): boolean {
    return (
      this.#database.prepare("SELECT 1 FROM steps WHERE before = ? LIMIT 1").get(hash) !== undefined
    );
  }

  needsTrash(name: string): boolean {
    return (
      this.#database.prepare("SELECT 1 FROM steps WHERE trash = ? LIMIT 1").get(name) !== undefined
    );
  }

  /** The newest change that is older than `time`. */
  olderThan(time: number): number | undefined {
    const row = this.#database
      .prepare("SELECT max(id) AS id FROM changes WHERE time < ? AND done = 1")
      .get(time);
    return row?.id === null || row?.id === undefined ? undefined : Number(row.id);
  }

  /**
   * The newest change that has to go so that what the kept ones took away has at most `bytes`; undefined when all fit.
   */
  beyond(bytes: number): number | undefined {
    let kept = 0;
    const seen = new Set<string>();
    const rows = this.#database
      .prepare(
        "SELECT change, before, before_size AS size FROM steps WHERE before_size > 0 ORDER BY change DESC",
      )
      .iterate();
    for (const row of rows) {
      if (row.before !== null) {
        if (seen.has(String(row.before))) continue;
        seen.add(String(row.before));
      }
      kept += Number(row.size);
      if (kept > bytes) return Number(row.change);
    }
    return undefined;
  }

  /** Forgets all changes up to one. */
  forgetUpTo(id: number): void {
    this.#transaction(() => {
      this.#database.prepare("DELETE FROM steps WHERE change <= ?").run(id);
      this.#database.prepare("DELETE FROM changes WHERE id <= ?").run(id);
    });
  }

  close(): void {
    this.settle();
    closeSync(this.#log);
    this.#database.close();
  }

  #markAll(): void {
    for (const id of this.#unmarked) this.#markDone.run(id);
    for (const id of this.#unwanted) {
      this.#database.prepare("DELETE FROM steps WHERE change = ?").run(id);
      this.#database.prepare("DELETE FROM changes WHERE id = ?").run(id);
    }
  }

  #transaction<T>(act: () => T, marks = false): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = act();
      this.#database.exec("COMMIT");
      if (marks) {
        this.#unmarked = [];
        this.#unwanted = [];
      }
      return result;
    } catch (error) {
      // SQLite has rolled some failures back by itself.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  readonly #statements = new Map<string, StatementSync>();

  #select(rest: string, ...values: (string | number | null)[]): StepRecord[] {
    let statement = this.#statements.get(rest);
    if (!statement) {
      statement = this.#database.prepare(
        `SELECT ${COLUMNS} FROM steps JOIN changes ON changes.id = steps.change ${rest}`,
      );
      this.#statements.set(rest, statement);
    }
    return statement.all(...values).map(record);
  }
}

/** Where to go on in the history: before this step. */
export interface Position {
  change: number;
  number: number;
}

type Row = Record<string, unknown>;

function record(row: Row): StepRecord {
  const text = (name: string) => (row[name] === null ? {} : { [camel(name)]: String(row[name]) });
  const number = (name: string) => (row[name] === null ? {} : { [camel(name)]: Number(row[name]) });
  return {
    op: row.op as Operation,
    path: String(row.path),
    ...(row.origin === null ? {} : { from: String(row.origin) }),
    ...text("before"),
    ...number("before_size"),
    ...number("before_mode"),
    ...text("after"),
    ...number("size"),
    ...number("mode"),
    ...text("trash"),
    ...text("temporary"),
    ...number("inode"),
    ...(row.folder ? { folder: true } : {}),
    number: Number(row.number),
    change: {
      id: Number(row.change),
      time: Number(row.time),
      tool: String(row.tool),
      token: String(row.token),
      ...text("user"),
      ...text("chat"),
      ...text("message"),
      ...text("reason"),
    },
  };
}

function camel(name: string): string {
  return name.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());
}

/** Reading what the journal has: steps with the changes they belong to. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { StepRecord } from "./journal.ts";

/** Where to go on in the history: before this step. */
export interface Position {
  change: number;
  number: number;
}

type Row = Record<string, unknown>;

/** Reads steps before a position, newest first. */
type Source = (before: Position, limit: number) => StepRecord[];

const COLUMNS = `steps.change, steps.number, op, path, origin, before, before_size, before_mode, after, size, mode, trash,
  temporary, inode, content, folder, time, tool, token, user, chat, message, reason`;
const STEPS = `SELECT ${COLUMNS} FROM steps JOIN changes ON changes.id = steps.change`;
const NEWEST_FIRST = "ORDER BY steps.change DESC, steps.number DESC";

/** Steps that a source is first asked for, and at most. */
const [FEW, MANY] = [16, 256];
/** Steps among which those of a project are looked for in the order of time. */
const WINDOW = 1_000;

/** Before everything in a list that goes from new to old. */
export const START: Position = { change: Number.MAX_SAFE_INTEGER, number: 0 };

export class Records {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  change(id: number): StepRecord[] {
    return this.select("WHERE steps.change = ? ORDER BY steps.number DESC", id);
  }

  /** Steps of everything that one chat did, newest first. */
  chat(chat: string): StepRecord[] {
    return this.select(`WHERE chat = ? ${NEWEST_FIRST}`, chat);
  }

  /** The same in pages, of one project or of everything (undefined). */
  ofChat(chat: string, project: string | undefined, before: Position, limit: number): StepRecord[] {
    const within = project === undefined ? [] : [project, `${project}/`, `${project}0`];
    // Without the first bound on the change, SQLite goes through all changes of the chat.
    return this.select(
      `WHERE chat = ? AND changes.id <= ? AND (changes.id, steps.number) < (?, ?)
       ${project === undefined ? "" : "AND (path = ? OR (path > ? AND path < ?))"}
       ORDER BY changes.id DESC, steps.number DESC LIMIT ?`,
      chat,
      before.change,
      before.change,
      before.number,
      ...within,
      limit,
    );
  }

  /** Steps at any of `paths`, or that moved something away from there, before a step; newest first. */
  at(paths: readonly string[], before: Position, limit: number): StepRecord[] {
    return [...this.walk(paths, before).take(limit)];
  }

  /** The same without an end, read as far as somebody asks; `within`: also the steps below a folder. */
  walk(paths: readonly string[], before: Position, within?: string): Generator<StepRecord> {
    // Each read from its index in order; asked for at once, all of them would be sorted for each page.
    const sources: Source[] = paths.flatMap((path) => [
      this.#by("path", path),
      this.#by("origin", path),
    ]);
    if (within !== undefined)
      sources.push((position, limit) => this.recent(within, position, limit));
    return merged(sources, before);
  }

  /** Steps below a project, or of everything (undefined), before a step; newest first. */
  recent(project: string | undefined, before: Position, limit: number): StepRecord[] {
    const { change, number } = before;
    if (project === undefined) {
      return this.select(
        `WHERE (steps.change, steps.number) < (?, ?) ${NEWEST_FIRST} LIMIT ?`,
        change,
        number,
        limit,
      );
    }
    const [from, to] = [`${project}/`, `${project}0`];
    // A busy project has its newest steps among the newest of all.
    const near = this.select(
      `WHERE (steps.change, steps.number) IN (
         SELECT change, number FROM (
           SELECT change, number, path FROM steps WHERE (change, number) < (?, ?)
           ORDER BY change DESC, number DESC LIMIT ${WINDOW}
         ) WHERE path = ? OR (path > ? AND path < ?) LIMIT ?
       ) ${NEWEST_FIRST}`,
      change,
      number,
      project,
      from,
      to,
      limit,
    );
    if (near.length === limit) return near;
    // One that is not is found by its paths, in the index alone, however much has happened elsewhere since.
    return this.select(
      `WHERE (steps.change, steps.number) IN (
         SELECT change, number FROM steps
         WHERE path >= ? AND path < ? AND (path = ? OR path > ?) AND (change, number) < (?, ?)
         ORDER BY change DESC, number DESC LIMIT ?
       ) ${NEWEST_FIRST}`,
      project,
      to,
      project,
      from,
      change,
      number,
      limit,
    );
  }

  /** Paths that one change or chat did something to, or moved something away from. */
  touched(what: { change: number } | { chat: string }): Set<string> {
    const [column, value] = "chat" in what ? ["chat", what.chat] : ["changes.id", what.change];
    const rows = this.#prepared(
      `SELECT DISTINCT path, origin FROM steps JOIN changes ON changes.id = steps.change
       WHERE ${column} = ?`,
    ).all(value as string | number);
    return new Set(
      rows.flatMap(({ path, origin }) =>
        origin === null ? [String(path)] : [String(path), String(origin)],
      ),
    );
  }

  /** Whether anything was ever done below a folder. */
  hasBelow(folder: string): boolean {
    const found = this.#prepared("SELECT 1 FROM steps WHERE path > ? AND path < ? LIMIT 1");
    return found.get(`${folder}/`, `${folder}0`) !== undefined;
  }

  /** The newest move to one of `paths` that came before a step and not before another. */
  lastMove(
    paths: readonly string[],
    before: Position,
    since: Position,
  ): (Position & { path: string; from: string }) | undefined {
    const found = this.#prepared(
      `SELECT change, number, path, origin AS "from" FROM steps
       WHERE path = ? AND op = 'move' AND (change, number) < (?, ?) AND (change, number) >= (?, ?)
       ORDER BY change DESC, number DESC LIMIT 1`,
    );
    return paths
      .map((path) => found.get(path, before.change, before.number, since.change, since.number))
      .filter((row) => row !== undefined)
      .map((row) => row as unknown as Position & { path: string; from: string })
      .sort(newestFirst)[0];
  }

  /** Steps that the rest of a query picks and orders. */
  select(rest: string, ...values: (string | number | null)[]): StepRecord[] {
    return this.#prepared(`${STEPS} ${rest}`)
      .all(...values)
      .map(record);
  }

  #by(column: "path" | "origin", path: string): Source {
    return ({ change, number }, limit) =>
      this.select(
        `WHERE ${column} = ? AND (steps.change, steps.number) < (?, ?) ${NEWEST_FIRST} LIMIT ?`,
        path,
        change,
        number,
        limit,
      );
  }

  #prepared(query: string): StatementSync {
    let statement = this.#statements.get(query);
    if (!statement) {
      statement = this.#database.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement;
  }
}

export function positionOf({ change, number }: StepRecord): Position {
  return { change: change.id, number };
}

/** Compares positions for a list that goes from new to old. */
export function newestFirst(one: Position, other: Position): number {
  return other.change - one.change || other.number - one.number;
}

/** Steps of several sources in one order, each step once. A source is asked for no more than is taken of it. */
function* merged(sources: readonly Source[], before: Position): Generator<StepRecord> {
  const readers = sources.map((source) => inChunks(source, before));
  const heads = readers.map((reader) => reader.next().value);
  for (;;) {
    const [newest] = heads.filter((head) => head !== undefined).sort(stepsNewestFirst);
    if (!newest) return;
    yield newest;
    for (const [index, head] of heads.entries()) {
      if (head && stepsNewestFirst(head, newest) === 0) heads[index] = readers[index]?.next().value;
    }
  }
}

function* inChunks(source: Source, before: Position): Generator<StepRecord, undefined> {
  for (let limit = FEW; ; limit = Math.min(limit * 2, MANY)) {
    const steps = source(before, limit);
    yield* steps;
    const last = steps[limit - 1];
    if (!last) return undefined;
    before = positionOf(last);
  }
}

function stepsNewestFirst(one: StepRecord, other: StepRecord): number {
  return newestFirst(positionOf(one), positionOf(other));
}

function record(row: Row): StepRecord {
  return defined({
    op: row.op,
    path: row.path,
    from: row.origin,
    before: row.before,
    beforeSize: row.before_size,
    beforeMode: row.before_mode,
    after: row.after,
    size: row.size,
    mode: row.mode,
    trash: row.trash,
    temporary: row.temporary,
    inode: row.inode,
    content: row.content,
    folder: row.folder ? true : null,
    number: row.number,
    change: defined({
      id: row.change,
      time: row.time,
      tool: row.tool,
      token: row.token,
      user: row.user,
      chat: row.chat,
      message: row.message,
      reason: row.reason,
    }),
  }) as unknown as StepRecord;
}

/** Without what the table does not have. */
function defined(fields: Row): Row {
  const kept: Row = {};
  for (const name in fields) if (fields[name] !== null) kept[name] = fields[name];
  return kept;
}

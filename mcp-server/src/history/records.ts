/** Reading what the journal has: steps with the changes they belong to. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Operation, StepRecord } from "./journal.ts";

/** Where to go on in the history: before this step. */
export interface Position {
  change: number;
  number: number;
}

type Row = Record<string, unknown>;

const COLUMNS = `steps.change, steps.number, op, path, origin, before, before_size, before_mode, after, size, mode, trash,
  temporary, inode, content, folder, time, tool, token, user, chat, message, reason`;

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
    return this.select("WHERE chat = ? ORDER BY steps.change DESC, steps.number DESC", chat);
  }

  /** Steps at any of `paths`, or that moved something away from there, before a step; newest first. */
  at(paths: readonly string[], before: Position, limit: number): StepRecord[] {
    const found = new Map<string, StepRecord>();
    // Each read from its index in order; asked for at once, all of them would be sorted for each page.
    for (const column of ["path", "origin"]) {
      for (const path of paths) {
        const steps = this.select(
          `WHERE ${column} = ? AND (steps.change, steps.number) < (?, ?)
           ORDER BY steps.change DESC, steps.number DESC LIMIT ?`,
          path,
          before.change,
          before.number,
          limit,
        );
        for (const step of steps) found.set(`${step.change.id}.${step.number}`, step);
      }
    }
    return [...found.values()]
      .sort((one, other) => other.change.id - one.change.id || other.number - one.number)
      .slice(0, limit);
  }

  /** Steps below a project, or of everything (undefined), before a step; newest first. */
  recent(project: string | undefined, before: Position, limit: number): StepRecord[] {
    return this.select(
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

  /** Steps that the rest of a query picks and orders. */
  select(rest: string, ...values: (string | number | null)[]): StepRecord[] {
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
    ...number("content"),
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

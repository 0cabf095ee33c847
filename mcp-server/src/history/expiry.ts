/** Which changes have to go from the journal, and what the remaining ones still need. */
import type { DatabaseSync } from "node:sqlite";

/** Contents by their hashes, and what is in the trash by its names. */
export interface Needed {
  objects: Set<string>;
  trash: Set<string>;
}

export class Expiry {
  readonly #database: DatabaseSync;
  readonly #transaction: (act: () => void) => void;

  constructor(database: DatabaseSync, transaction: (act: () => void) => void) {
    this.#database = database;
    this.#transaction = transaction;
  }

  /**
   * The newest change that has to go so that all older ones than `time` (milliseconds since 1970) are gone, and so that what
   * the kept ones took away has at most `bytes`; 0 for none. Those that are not yet durable in their places stay: the journal
   * is all that recovery has of them.
   */
  last(time: number, bytes: number): number {
    const open = this.#number("SELECT min(id) AS number FROM changes WHERE state < 2");
    const last = Math.max(this.#olderThan(time), this.#beyond(bytes));
    return open === undefined ? last : Math.min(last, open - 1);
  }

  /** Forgets all changes up to one. */
  forgetUpTo(id: number): void {
    this.#transaction(() => {
      this.#database.prepare("DELETE FROM steps WHERE change <= ?").run(id);
      this.#database.prepare("DELETE FROM changes WHERE id <= ?").run(id);
    });
  }

  /**
   * What the steps of the changes after one (0 for all) need. Also what they have written: where that lost its place without
   * being replaced by a change, as by an edit before a power cut, it is kept all the same.
   */
  needed(after = 0): Needed {
    const all = (column: "before" | "after" | "trash") =>
      this.#database
        .prepare(`SELECT ${column} AS name FROM steps WHERE change > ? AND ${column} IS NOT NULL`)
        .all(after)
        .map((row) => String(row.name));
    return { objects: new Set([...all("before"), ...all("after")]), trash: new Set(all("trash")) };
  }

  /** The newest change; 0 for none. */
  newest(): number {
    return this.#number("SELECT max(id) AS number FROM changes") ?? 0;
  }

  /**
   * The newest change before the first one that is not old. Not the newest that is old: with a clock that was wrong once, that
   * would take everything before it along.
   */
  #olderThan(time: number): number {
    const kept = this.#number(
      "SELECT id AS number FROM changes WHERE time >= ? ORDER BY id LIMIT 1",
      time,
    );
    return kept === undefined ? this.newest() : kept - 1;
  }

  #beyond(bytes: number): number {
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
    return 0;
  }

  #number(query: string, ...values: number[]): number | undefined {
    const found = this.#database.prepare(query).get(...values)?.number;
    return found === null || found === undefined ? undefined : Number(found);
  }
}

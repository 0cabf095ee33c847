/**
 * Reads a dump that pg_dump wrote as plain SQL (`--no-owner --no-privileges`, data as COPY), as it streams by: whether it is whole,
 * its digest, the rows of each table, and the values of wanted columns. Memory is bounded whatever the size of the dump.
 * Data written as INSERT (`--inserts`) are read over and not counted.
 */
import { createHash } from "node:crypto";
import { CopyRows } from "./copy-rows.ts";
import { SqlQuoting } from "./sql-quoting.ts";

export interface WantedRows {
  /** Wanted columns by table: `{"public.file": ["id", "path"]}`. */
  columns?: Record<string, readonly string[]>;
  /**
   * Gets the values in the order of `columns`; null is SQL's NULL, anything else the value as PostgreSQL writes it.
   * Of a field above `MOST_OF_FIELD` bytes (copy-rows.ts), the beginning.
   */
  onRow?: (table: string, values: (string | null)[]) => void;
}

export interface SqlDump {
  /** From pg_dump's first line to its last byte, with nothing cut and nothing after. */
  complete: boolean;
  /** Why it is not complete, to be read after "the dump". */
  flaw?: string;
  /** Hexadecimal. */
  sha256: string;
  bytes: number;
  /** Rows by table: `{"public.chat": 12}`, names without quotes. Tables without rows are in it. */
  tables: Record<string, number>;
  /** Wanted columns that their tables do not have: `public.chat.title`. */
  absent: string[];
}

const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
/** Bytes of a line of SQL that are kept; a COPY with 1,600 columns of the longest names has a fifth. */
const LONGEST_LINE = 1024 * 1024;

const FIRST_LINE = "-- PostgreSQL database dump\n";
const LAST_LINES = "-- PostgreSQL database dump complete\n";
const NAME = String.raw`(?:"(?:[^"]|"")*"|[^\s".(),;]+)`;
const COPY = new RegExp(`^COPY (?:(${NAME})\\.)?(${NAME}) +(?:\\((.*)\\) +)?FROM stdin;\\n$`, "s");

/** Reads to the end. Throws only what the source or `onRow` throws; what is wrong with the dump is in the answer. */
export async function readSqlDump(
  source: AsyncIterable<Uint8Array>,
  wanted: WantedRows = {},
): Promise<SqlDump> {
  const reader = new SqlDumpReader(wanted);
  for await (const chunk of source) reader.take(chunk);
  return reader.end();
}

/** The same for who has the chunks in hand, such as while a dump is written. Chunks must not change later. */
export class SqlDumpReader {
  readonly #wanted: WantedRows;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  readonly #tables = new Map<string, number>();
  readonly #absent = new Set<string>();
  #flaw: string | undefined;

  #block: { table: string; rows: CopyRows } | undefined;
  readonly #quoting = new SqlQuoting();
  #atLineStart = true;
  /** psql's own commands follow no rule of SQL's quotes. */
  #isCommand = false;
  /** The line so far; undefined for one that began inside quotes, or is too long. */
  #line: Buffer[] | undefined;
  #lineLength = 0;

  #begun = false;
  #restricted: string | undefined;
  /** Lines that are still to come after "complete"; undefined before it. */
  #rest: string[] | undefined;

  constructor(wanted: WantedRows = {}) {
    this.#wanted = wanted;
  }

  take(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (at < chunk.length) {
      if (this.#block) {
        const end = this.#block.rows.take(chunk, at);
        if (end === -1) return;
        this.#endBlock();
        at = end;
      } else {
        const newline = chunk.indexOf(NEWLINE, at);
        const end = newline === -1 ? chunk.length : newline + 1;
        this.#takeSql(chunk, at, end);
        if (newline !== -1) this.#endLine();
        at = end;
      }
    }
  }

  end(): SqlDump {
    const { table } = this.#block ?? {};
    if (table !== undefined) this.#endBlock();
    const flaw = this.#bytes === 0 ? "is empty" : (this.#flaw ?? this.#cut(table));
    return {
      complete: flaw === undefined,
      ...(flaw !== undefined && { flaw }),
      sha256: this.#hash.digest("hex"),
      bytes: this.#bytes,
      tables: Object.fromEntries(this.#tables),
      absent: [...this.#absent],
    };
  }

  #cut(table: string | undefined): string | undefined {
    if (table !== undefined) return `ends within the rows of ${table}`;
    if (!this.#begun) return "does not begin as pg_dump begins one";
    if (this.#rest === undefined) return "ends before pg_dump's last line";
    if (this.#rest.length > 0 || !this.#atLineStart) return "ends within pg_dump's last lines";
    return undefined;
  }

  #takeSql(chunk: Buffer, from: number, to: number): void {
    if (this.#atLineStart) {
      this.#atLineStart = false;
      if (this.#quoting.outside) {
        this.#isCommand = chunk[from] === BACKSLASH;
        this.#line = [];
        this.#lineLength = 0;
      }
    }
    if (!this.#isCommand) this.#quoting.take(chunk, from, to);
    if (this.#line === undefined) return;
    this.#lineLength += to - from;
    if (this.#lineLength > LONGEST_LINE) this.#line = undefined;
    else this.#line.push(chunk.subarray(from, to));
  }

  #endLine(): void {
    this.#atLineStart = true;
    // A name may have a line break in it, so the line goes on after it.
    if (!this.#quoting.outside && this.#rest === undefined) return;
    const line = this.#line && Buffer.concat(this.#line).toString("utf8");
    this.#line = undefined;
    this.#isCommand = false;
    if (this.#rest !== undefined) {
      if (this.#rest.shift() !== line) this.#flaw ??= "goes on after pg_dump's last line";
    } else if (line === FIRST_LINE) this.#begun = true;
    else if (line === LAST_LINES) {
      const key = this.#restricted;
      this.#rest = ["--\n", "\n", ...(key === undefined ? [] : [`\\unrestrict ${key}`, "\n"])];
    } else if (line?.startsWith("\\restrict ")) this.#restricted = line.slice(10);
    else if (line?.startsWith("COPY ")) this.#beginBlock(line);
  }

  #beginBlock(header: string): void {
    const [, schema, name, list] = COPY.exec(header) ?? [];
    if (name === undefined) {
      this.#flaw ??= `has a COPY that this program does not understand: ${header.trim().slice(0, 100)}`;
      return;
    }
    const table = `${schema === undefined ? "" : `${unquoted(schema)}.`}${unquoted(name)}`;
    const columns = [...(list ?? "").matchAll(new RegExp(NAME, "g"))].map(([one]) => unquoted(one));
    const { columns: wantedColumns = {}, onRow } = this.#wanted;
    const wanted = Object.hasOwn(wantedColumns, table) ? (wantedColumns[table] ?? []) : [];
    const positions = wanted.map((column) => columns.indexOf(column));
    for (const [index, position] of positions.entries()) {
      if (position === -1) this.#absent.add(`${table}.${wanted[index]}`);
    }
    this.#block = {
      table,
      rows:
        onRow === undefined || positions.includes(-1)
          ? new CopyRows([], () => {})
          : new CopyRows(positions, (values) => onRow(table, values)),
    };
  }

  #endBlock(): void {
    if (this.#block === undefined) return;
    const { table, rows } = this.#block;
    // A partitioned table may come in several blocks.
    this.#tables.set(table, (this.#tables.get(table) ?? 0) + rows.rows);
    if (rows.malformed) this.#flaw ??= `has a row of ${table} with too few fields`;
    this.#block = undefined;
  }
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

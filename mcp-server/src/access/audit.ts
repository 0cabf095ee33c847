/** The log of every call: who, what, on what, how it ended. Never what was read or written. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Caller } from "./caller.ts";

export interface AuditEntry {
  /** Name of the token; missing where nobody was let in. */
  token?: string;
  user?: string;
  chat?: string;
  message?: string;
  tool?: string;
  project?: string;
  path?: string;
  /** Of a call that names several. */
  paths?: string[];
  to_project?: string;
  to_path?: string;
  /** Change that was to be undone. */
  change?: string;
  /** Chat that was asked about or was to be undone; `chat` is the one the call was made for. */
  of_chat?: string;
  outcome: "ok" | "error" | "invalid" | "denied" | "cancelled" | "defect" | "unauthorized";
  /** Bytes of text in the arguments and in the answer's content. */
  in?: number;
  out?: number;
  ms?: number;
  /** Remote address, of those who were not let in. */
  address?: string;
  traceparent?: string;
  tracestate?: string;
  baggage?: string;
}

/** What a line says of the caller. */
export function who({
  token,
  user,
  chat,
  message,
}: Caller): Pick<AuditEntry, "token" | "user" | "chat" | "message"> {
  return { token, user, chat, message };
}

export interface AuditSizes {
  /** Bytes at which a file is closed and the next one begun. */
  file: number;
  /** Files kept, the current one included. */
  files: number;
}

/** Milliseconds that lines are collected before they are written together. */
const FLUSH = 200;
/** Characters kept while they cannot be written. */
const MOST_WAITING = 4 * 1024 * 1024;
const CURRENT = "audit.jsonl";
/** A closed file and its number; those of older servers have none. */
const CLOSED = /^audit-(?:(\d{8,})-)?.+\.jsonl$/;
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

export class Audit {
  readonly #folder: string | undefined;
  readonly #sizes: AuditSizes;
  readonly #say: (line: string) => void;
  /** Where the folder really is; what leads elsewhere later is not written to. */
  #home: string | undefined;
  #waiting = "";
  #timer: NodeJS.Timeout | undefined;
  #fd: number | undefined;
  #dropped = 0;
  #failing = false;
  #now = 0;
  #iso = "";

  /** Writes `audit.jsonl` in the folder, which is made when the first line comes; no folder: no log. */
  constructor(
    folder: string | undefined,
    sizes: AuditSizes = { file: 16 * 1024 * 1024, files: 8 },
    say: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  ) {
    this.#folder = folder;
    this.#home = folder === undefined ? undefined : whereIs(folder);
    this.#sizes = sizes;
    this.#say = say;
  }

  /** Costs a few microseconds: the line is written with those of the next 200 ms. */
  record(entry: AuditEntry): void {
    if (this.#folder === undefined) return;
    this.#waiting += `{"time":"${this.#time()}",${JSON.stringify(entry).slice(1)}\n`;
    this.#timer ??= setTimeout(() => this.flush(), FLUSH).unref();
  }

  /** Many calls share a millisecond. */
  #time(): string {
    const now = Date.now();
    if (now !== this.#now) {
      this.#now = now;
      this.#iso = new Date(now).toISOString();
    }
    return this.#iso;
  }

  /** Writes what waits. Never throws: a log that cannot be written is said once, and stops no call. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#folder === undefined || this.#waiting === "") return;
    try {
      const fd = this.#open(this.#folder);
      const dropped =
        this.#dropped > 0
          ? `{"time":"${new Date().toISOString()}","dropped":${this.#dropped}}\n`
          : "";
      writeWhole(fd, dropped + this.#waiting);
      this.#waiting = "";
      this.#dropped = 0;
      if (this.#failing) this.#say(`The audit log in ${this.#folder} is written again.`);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        this.#say(
          `The audit log in ${this.#folder} cannot be written: ${(error as Error).message}. Calls go on without it.`,
        );
      }
      this.#failing = true;
      if (this.#waiting.length > MOST_WAITING) {
        this.#dropped += this.#waiting.split("\n").length - 1;
        this.#waiting = "";
      }
    }
  }

  close(): void {
    this.flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** The current file, begun anew when it is full or another process has begun a new one. */
  #open(folder: string): number {
    const path = join(folder, CURRENT);
    if (this.#fd !== undefined) {
      const [mine, current] = [fstatSync(this.#fd), lstatSync(path, { throwIfNoEntry: false })];
      const same = current?.ino === mine.ino;
      if (same && mine.size < this.#sizes.file) return this.#fd;
      closeSync(this.#fd);
      this.#fd = undefined;
      if (same) this.#rotate(folder, path);
    }
    this.#enter(folder);
    this.#fd = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
    return this.#fd;
  }

  /** Makes the folder. Throws an Error when a link that was put into its path since leads elsewhere. */
  #enter(folder: string): void {
    const check = (place: string) => {
      this.#home ??= place;
      if (place !== this.#home) throw new Error(`it is now a link to ${place}`);
    };
    const before = whereIs(folder);
    if (before !== undefined) check(before);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    check(realpathSync(folder));
  }

  /**
   * Numbered, since times do not tell the order once a clock was set back, and named by chance, so that processes that share
   * the folder do not rename each other's files.
   */
  #rotate(folder: string, path: string): void {
    const closed = readdirSync(folder)
      .sort()
      .flatMap((name) => {
        const match = CLOSED.exec(name);
        return match ? [{ name, number: Number(match[1] ?? 0) }] : [];
      })
      .sort((a, b) => a.number - b.number);
    const number = (closed.at(-1)?.number ?? 0) + 1;
    const time = new Date().toISOString().replaceAll(":", "-");
    const chance = randomBytes(4).toString("hex");
    const name = `audit-${String(number).padStart(8, "0")}-${time}-${chance}.jsonl`;
    renameSync(path, join(folder, name));
    closed.push({ name, number });
    for (const { name } of closed.slice(0, Math.max(0, closed.length - this.#sizes.files + 1))) {
      rmSync(join(folder, name), { force: true });
    }
  }
}

/** Where a folder really is, or will be once it is made; undefined where the one above is missing as well. */
function whereIs(folder: string): string | undefined {
  for (const [path, rest] of [
    [folder, ""],
    [dirname(folder), basename(folder)],
  ] as const) {
    try {
      return join(realpathSync(path), rest);
    } catch {
      // Not made yet.
    }
  }
  return undefined;
}

function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

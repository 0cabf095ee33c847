/** The log of every call: who, what, on what, how it ended. Never what was read or written. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
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

export class Audit {
  readonly #folder: string | undefined;
  readonly #sizes: AuditSizes;
  readonly #say: (line: string) => void;
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
      const [mine, current] = [fstatSync(this.#fd), statSync(path, { throwIfNoEntry: false })];
      const same = current?.ino === mine.ino;
      if (same && mine.size < this.#sizes.file) return this.#fd;
      closeSync(this.#fd);
      this.#fd = undefined;
      if (same) this.#rotate(folder, path);
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#fd = openSync(path, "a", 0o600);
    return this.#fd;
  }

  /** Named by the time and by chance, so that processes that share the folder do not rename each other's files. */
  #rotate(folder: string, path: string): void {
    const time = new Date().toISOString().replaceAll(":", "-");
    renameSync(path, join(folder, `audit-${time}-${randomBytes(4).toString("hex")}.jsonl`));
    const closed = readdirSync(folder)
      .filter((name) => /^audit-.+\.jsonl$/.test(name))
      .sort();
    for (const name of closed.slice(0, Math.max(0, closed.length - this.#sizes.files + 1))) {
      rmSync(join(folder, name), { force: true });
    }
  }
}

function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

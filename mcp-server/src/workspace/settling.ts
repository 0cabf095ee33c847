/**
 * Makes the writes that were carried out durable in their places, a while after they were acknowledged: until then the journal
 * has their contents. By then the system has mostly written them by itself.
 */
import { close, constants, fsync, open } from "node:fs";
import { promisify } from "node:util";
import type { Journal } from "../history/journal.ts";
import { SharedSync } from "../history/shared-sync.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement } from "./confinement.ts";
import { splitPath } from "./paths.ts";
import type { StateFolder } from "./state-folder.ts";

const DELAY_MS = 5_000;
/** Changes, and bytes of contents, that the journal holds at most before it is relieved at once. */
const MOST_CHANGES = 4_000;
const MOST_BYTES = 32 * 1024 * 1024;
const AT_ONCE = 8;
/** What the system answers when it could not do what it could have done with another disk or more room. */
const OURS = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "ENOMEM"];

const [opened, synced, closed] = [promisify(open), promisify(fsync), promisify(close)];

export class Settling {
  readonly #files: Confinement;
  readonly #state: StateFolder;
  readonly #journal: Journal;
  readonly #shared = new SharedSync(() => this.#settle());
  #timer: NodeJS.Timeout | undefined;
  #changes = 0;
  #bytes = 0;

  constructor(files: Confinement, state: StateFolder, journal: Journal) {
    this.#files = files;
    this.#state = state;
    this.#journal = journal;
  }

  /** To be called after each change whose contents the journal holds. */
  later(contents: ReadonlyMap<number, Uint8Array>): void {
    this.#changes++;
    for (const bytes of contents.values()) this.#bytes += bytes.length;
    if (this.#changes === MOST_CHANGES || this.#bytes > MOST_BYTES) void this.attempt();
    this.#timer ??= setTimeout(() => this.attempt(), DELAY_MS).unref();
  }

  /** Settles everything that was carried out before the call. */
  now(): Promise<void> {
    this.#journal.flush();
    return this.#shared.done();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The same, where nothing depends on it: on a full disk the journal keeps the contents, and the next turn tries again. */
  async attempt(): Promise<void> {
    try {
      await this.now();
    } catch (error) {
      process.stderr.write(`writes could not be settled yet: ${(error as Error).message}\n`);
    }
  }

  async #settle(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changes = 0;
    this.#bytes = 0;
    const steps = this.#journal.unsettled();
    if (steps.length === 0) return;
    const paths = new Set<string>();
    const hashes = new Set<string>();
    for (const { op, path, from, after } of steps) {
      for (const one of from === undefined ? [path] : [path, from])
        paths.add(splitPath(one).directory);
      paths.add(path);
      if (op === "write" && after !== undefined) hashes.add(after);
    }
    // What is replaced meanwhile is an object by the time that objects are looked at.
    await each([...paths], (path) => this.#syncPath(path));
    await each([...hashes], async (hash) => {
      if (this.#state.has(hash)) await syncFile(this.#state.object(hash));
    });
    this.#journal.settled(steps);
  }

  async #syncPath(path: string): Promise<void> {
    try {
      const { directory, name } = splitPath(path);
      using pinned = this.#files.directory(directory);
      await syncFile(pinned.entry(path === "." ? "." : name));
    } catch (error) {
      if (!isTheirs(error)) throw error;
    }
  }
}

/**
 * Whether somebody else has put something in the place, or taken it away: a link, a pipe, a folder, nothing. What is there now
 * is theirs to keep. Otherwise the system could not do it.
 */
export function isTheirs(error: unknown): boolean {
  return (
    error instanceof ToolError ||
    (typeof (error as NodeJS.ErrnoException).errno === "number" && !failedWith(error, ...OURS))
  );
}

async function syncFile(place: string): Promise<void> {
  const file = await opened(
    place,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    await synced(file);
  } finally {
    await closed(file);
  }
}

async function each<T>(items: T[], act: (item: T) => Promise<void>): Promise<void> {
  const workers = Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
    for (let item = items.pop(); item !== undefined; item = items.pop()) await act(item);
  });
  await Promise.all(workers);
}

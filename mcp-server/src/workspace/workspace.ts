/** The one folder that tools work in: reads, and changes that are atomic, durable and undoable. */
import { closeSync, fsync, lstatSync, openSync } from "node:fs";
import { promisify } from "node:util";
import type { Caller } from "../access/caller.ts";
import { History } from "../history/history.ts";
import { Journal } from "../history/journal.ts";
import { type Retention, Retentions } from "../history/retention.ts";
import { Undo } from "../history/undo.ts";
import { limits } from "../limits.ts";
import { reachableProjects } from "../protocol/reachable-projects.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import { carryOut, writeUnfinished } from "./carry-out.ts";
import { Change } from "./change.ts";
import { Confinement, type OpenFile } from "./confinement.ts";
import { type Content, Contents } from "./content.ts";
import { DirectorySync } from "./directory-sync.ts";
import { PathLocks } from "./path-locks.ts";
import { resolvePath } from "./paths.ts";
import type { StagedStep } from "./planned-view.ts";
import { ProcessLock } from "./process-lock.ts";
import { recover } from "./recover.ts";
import { Reserve } from "./reserve.ts";
import { Settling } from "./settling.ts";
import { StateFolder } from "./state-folder.ts";

export interface WorkspaceOptions {
  retention?: Partial<Retention>;
  /** File whose content changes each time the workspace's disk is mounted. Default: only another run of the kernel counts. */
  mountedFile?: string;
}

/** Who makes a change, by which tool, and why. */
export interface Author {
  tool: string;
  caller: Caller;
  reason?: string;
}

const sync = promisify(fsync);
/** Bytes that one change may put into the journal; larger contents are synced as files. */
const MOST_JOURNALLED = 256 * 1024;

export class Workspace {
  readonly root: string;
  readonly files: Confinement;
  readonly history: History;
  readonly undo: Undo;
  readonly #state: StateFolder;
  readonly #journal: Journal;
  readonly #contents = new Contents();
  readonly #directories = new DirectorySync();
  readonly #paths = new PathLocks();
  readonly #process: ProcessLock;
  readonly #reserve: Reserve;
  readonly #settling: Settling;
  readonly #retention: Retentions;
  readonly #mountedFile: string | undefined;
  readonly #listeners = new Set<(paths: string[]) => void>();

  /**
   * Opens a workspace and finishes what a crash has left half-done. Throws an Error for people when the folder is missing,
   * cannot be written, or has a history of a newer server.
   */
  static async open(folder: string, options: WorkspaceOptions = {}): Promise<Workspace> {
    const workspace = new Workspace(folder, options);
    await workspace.#process.hold(() => workspace.#recover());
    workspace.#reserve.fill();
    workspace.#retention.start();
    return workspace;
  }

  private constructor(folder: string, options: WorkspaceOptions) {
    this.files = new Confinement(folder);
    this.#mountedFile = options.mountedFile;
    this.root = this.files.root;
    this.#state = new StateFolder(this.files);
    this.#reserve = new Reserve(this.#state.file("."));
    this.#journal = new Journal(this.#state.file("history.db"), this.#reserve);
    this.#process = new ProcessLock(
      this.#state.file("lock.db"),
      // Who lets the lock go has written down what is done: what is open now, its owner died over.
      async () => {
        this.#journal.flush();
        if (this.#journal.hasUnfinished()) await this.#recover();
      },
      () => this.#journal.flush(),
    );
    this.#settling = new Settling(this.files, this.#state, this.#journal);
    this.history = new History(this.files, this.#state, this.#journal, this.#contents);
    this.undo = new Undo(this.#journal, this.history);
    this.#retention = new Retentions(
      options.retention ?? {},
      this.#state,
      this.#journal.expiry,
      () => this.#settling.attempt(),
      (act) => this.#process.hold(() => this.#paths.hold("all", async () => act())),
    );
  }

  /** Names of the folders directly in the workspace, sorted; those with a leading dot are none. */
  projects(): string[] {
    using root = this.files.directory(".");
    return root
      .entries()
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => entry.name);
  }

  /** Throws ToolError when there is no such project, naming those that the caller reaches; `.` always is one. */
  requireProject(name: string, caller: Caller): void {
    if (name === ".") return;
    resolvePath(name, ".");
    if (!name.startsWith(".")) {
      try {
        using _there = this.files.directory(name);
        return;
      } catch (error) {
        if (!failedWith(error, "ENOENT", "ENOTDIR")) throw error;
      }
    }
    const known = reachableProjects(this, caller);
    const shown = known.length > 20 ? `${known.slice(0, 20).join(", ")}, ...` : known.join(", ");
    throw new ToolError(
      `There is no project "${name}"; known: ${shown || "none"}. create_project makes one.`,
    );
  }

  /** A whole file. Throws a system error, or ToolError when it is no regular file or has more than `most` bytes. */
  read(path: string, most: number = limits.write): Content {
    using file = this.files.file(path);
    return this.#contents.read(file, most);
  }

  /** The whole of a file that is open. Throws ToolError when it has more than `most` bytes. */
  contentOf(file: OpenFile, most: number = limits.write): Content {
    return this.#contents.read(file, most);
  }

  /** What tells one content of a file from another; the SHA-256 of its bytes up to `limits.write`. */
  etag(path: string): string {
    using file = this.files.file(path);
    return this.#contents.etag(file);
  }

  /**
   * Changes the workspace, all or nothing. `plan` prepares the steps; when it returns, they are journalled, carried out and
   * made durable; when it throws, nothing has changed. No other change of the paths in `lock` runs meanwhile, in this process
   * or another; moves and deletes of folders take "all". Returns the change's id, missing when there was nothing to do, or
   * when it was only to be planned (`dryRun`).
   */
  async change<T>(
    author: Author,
    lock: readonly string[] | "all",
    plan: (change: Change) => Promise<T> | T,
    { dryRun = false }: { dryRun?: boolean } = {},
  ): Promise<{ result: T; id?: string }> {
    const { touched, ...done } = await this.#process.hold(() =>
      this.#paths.hold(lock, async () => {
        const change = new Change(this.files, this.#state, this.#contents);
        try {
          const result = await plan(change);
          if (dryRun) change.abandon();
          if (change.steps.length === 0) return { result, touched: [] };
          const id = await this.#commit(author, change);
          const touched = change.steps.flatMap((step) =>
            step.from === undefined ? [step.path] : [step.from, step.path],
          );
          return { result, id: String(id), touched };
        } catch (error) {
          change.abandon();
          throw error;
        }
      }),
    );
    if (touched.length > 0) this.#tell(touched);
    return done;
  }

  /** Removes what is older than the retention now, rather than at the next hour. */
  prune(now?: number): Promise<void> {
    return this.#retention.prune(now);
  }

  /** Calls `listener` with the paths of each change of this process once it is done; the result stops that. */
  onChange(listener: (paths: string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for running changes. */
  async close(): Promise<void> {
    await this.#retention.stop();
    await this.#process.hold(() => this.#paths.hold("all", () => this.#settling.attempt()));
    this.#settling.stop();
    this.#process.close();
    this.#journal.close();
    this.#state.close();
    this.files.close();
  }

  async #commit({ tool, caller, reason }: Author, change: Change): Promise<number> {
    const { steps } = change;
    if (steps.some(({ op }) => op === "write")) this.#reserve.demand();
    const logged = fitsJournal(steps);
    if (!logged) {
      // What follows must find earlier writes in their places, also after a power cut.
      await this.#settling.now();
      const writes = steps.filter(({ op }) => op === "write");
      await Promise.all(writes.map((step) => this.#writeDurably(step)));
      for (const step of steps)
        if (step.moves) step.inode = inode(this.#state, step.moves.temporary as string);
    }
    const contents = new Map<number, Uint8Array>();
    if (logged)
      for (const [number, { bytes }] of steps.entries()) if (bytes) contents.set(number, bytes);
    const id = await this.#journal.begin(
      {
        time: Date.now(),
        tool,
        token: caller.token,
        ...(caller.user === undefined ? {} : { user: caller.user }),
        ...(caller.chat === undefined ? {} : { chat: caller.chat }),
        ...(caller.message === undefined ? {} : { message: caller.message }),
        ...(reason === undefined ? {} : { reason }),
      },
      steps,
      contents,
    );
    let directories: ReturnType<typeof carryOut>["directories"];
    try {
      ({ directories } = carryOut(this.files, this.#state, steps));
    } catch (error) {
      this.#journal.forget(id);
      throw error;
    }
    try {
      if (!logged)
        await Promise.all([...directories.values()].map((one) => this.#directories.done(one)));
    } finally {
      for (const directory of directories.values()) directory[Symbol.dispose]();
    }
    this.#journal.done(id, !logged);
    if (logged) this.#settling.later(contents);
    return id;
  }

  /** The change is done: a listener that fails must not make it look as if it had failed. */
  #tell(touched: string[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(touched);
      } catch (error) {
        process.stderr.write(`telling of a change failed: ${(error as Error).stack}\n`);
      }
    }
  }

  #recover(): Promise<void> {
    return recover(
      {
        files: this.files,
        state: this.#state,
        journal: this.#journal,
        reserve: this.#reserve,
      },
      this.#settling,
      this.#mountedFile,
    );
  }

  async #writeDurably(step: StagedStep): Promise<void> {
    const file = step.bytes
      ? writeUnfinished(step, this.#state)
      : openSync(this.#state.temporary.entry(step.temporary as string), "r");
    try {
      await sync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Whether a change can wait in the journal: it moves nothing, and its contents are small. */
function fitsJournal(steps: readonly StagedStep[]): boolean {
  let size = 0;
  for (const step of steps) {
    if (step.op === "make_directory") continue;
    if (step.op !== "write" || !step.bytes || step.trash !== undefined) return false;
    size += step.bytes.length;
  }
  return size <= MOST_JOURNALLED;
}

function inode(state: StateFolder, temporary: string): number {
  return lstatSync(state.temporary.entry(temporary)).ino;
}

/** Tells when one of some files changes, whoever changes it: this server, an editor, another program. */
import { type FSWatcher, statSync, watch } from "node:fs";
import { limits } from "../limits.ts";
import { explain } from "../tools/tool-error.ts";
import { isWithin, splitPath } from "../workspace/paths.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** Milliseconds in which events of one folder are taken together; an editor's save makes several. */
const SETTLE = 100;
/** Milliseconds until a file that could not be looked at is looked at again. */
const AGAIN = 1000;

/** Files that one owner has watched at most, so that he leaves some to the others. */
const MOST_OF_ONE = limits.watchedFiles / 5;

/** That somebody wants to know of a file. */
interface Claim {
  path: string;
  file: WatchedFile;
  owner: string | undefined;
}

interface WatchedFile {
  /** Claims, those that wait among them. */
  claims: number;
  /** Claims that the limits allow: while there is one, the file system is asked to tell of the file. */
  granted: number;
  /** Tells one content from another; undefined while there is no file. */
  signature: string | undefined;
  folder?: WatchedFolder;
}

interface WatchedFolder {
  path: string;
  inode: number;
  files: Set<string>;
  events: FSWatcher;
  timer?: NodeJS.Timeout;
}

export class FileWatch {
  readonly #workspace: Workspace;
  readonly #changed: (path: string) => void;
  readonly #files = new Map<string, WatchedFile>();
  readonly #folders = new Map<string, WatchedFolder>();
  readonly #stop: () => void;
  /** Files with a granted claim. */
  #granted = 0;
  /** Granted claims of each owner. */
  readonly #shares = new Map<string, number>();
  /** Claims above the limits, oldest first. */
  readonly #waiting = new Set<Claim>();
  #makingRoom = false;
  /** Files that could not be looked at. */
  readonly #unseen = new Set<string>();
  #again: NodeJS.Timeout | undefined;
  #failing = false;

  /** `changed` gets the workspace-relative path of a file that was written, made or deleted. */
  constructor(workspace: Workspace, changed: (path: string) => void) {
    this.#workspace = workspace;
    this.#changed = changed;
    this.#stop = workspace.onChange((paths) => this.#touched(paths));
  }

  /** Files watched. */
  get size(): number {
    return this.#files.size;
  }

  /**
   * Begins to watch a file, which need not exist. The result ends that; calling it twice does no harm. Above
   * `limits.watchedFiles`, and for one owner above a fifth of that, changes made outside of this server are told only once
   * there is room. `owner`: whose share it counts in; missing: nobody's.
   */
  add(path: string, owner?: string): () => void {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = { claims: 0, granted: 0, signature: undefined };
      this.#files.set(path, file);
      try {
        file.signature = this.#signature(path);
      } catch (error) {
        this.#lookAgain(path, error);
      }
    }
    file.claims++;
    const claim: Claim = { path, file, owner };
    if (!this.#grant(claim)) this.#waiting.add(claim);
    let watched = true;
    return () => {
      if (!watched) return;
      watched = false;
      this.#end(claim);
    };
  }

  close(): void {
    this.#stop();
    clearTimeout(this.#again);
    this.#unseen.clear();
    this.#waiting.clear();
    for (const folder of this.#folders.values()) end(folder);
    this.#folders.clear();
    this.#files.clear();
  }

  /** Returns whether the limits allow it. */
  #grant({ path, file, owner }: Claim): boolean {
    const share = owner === undefined ? 0 : (this.#shares.get(owner) ?? 0);
    if (share >= MOST_OF_ONE) return false;
    if (file.granted === 0 && this.#granted >= limits.watchedFiles) return false;
    if (owner !== undefined) this.#shares.set(owner, share + 1);
    file.granted++;
    if (file.granted > 1) return true;
    this.#granted++;
    try {
      this.#arm(path, file);
    } catch (error) {
      this.#lookAgain(path, error);
    }
    return true;
  }

  #end(claim: Claim): void {
    const { path, file, owner } = claim;
    file.claims--;
    if (file.claims === 0 && this.#files.get(path) === file) this.#files.delete(path);
    if (this.#waiting.delete(claim)) return;
    const share = owner === undefined ? 0 : (this.#shares.get(owner) ?? 0) - 1;
    if (share > 0) this.#shares.set(owner as string, share);
    else if (owner !== undefined) this.#shares.delete(owner);
    file.granted--;
    if (file.granted > 0) return;
    this.#granted--;
    this.#leave(path, file);
    this.#makeRoom();
  }

  /** Lets in who waits; once for all the files of a stream that ends. */
  #makeRoom(): void {
    if (this.#makingRoom || this.#waiting.size === 0) return;
    this.#makingRoom = true;
    queueMicrotask(() => {
      this.#makingRoom = false;
      for (const claim of this.#waiting) {
        if (!this.#grant(claim)) continue;
        this.#waiting.delete(claim);
        // It may have changed while nobody watched.
        this.#look(claim.path);
      }
    });
  }

  #touched(paths: string[]): void {
    for (const path of paths) {
      if (this.#files.has(path)) this.#look(path);
      else for (const file of this.#files.keys()) if (isWithin(file, path)) this.#look(file);
    }
  }

  /** Never throws: timers call it, where nobody would catch it, and changes that are done already. */
  #look(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    try {
      const signature = this.#signature(path);
      if (signature !== file.signature) {
        file.signature = signature;
        this.#changed(path);
      }
      if (file.granted > 0) this.#arm(path, file);
    } catch (error) {
      this.#lookAgain(path, error);
    }
  }

  /** Later, when there are file descriptors again or the disk answers; said once until all is seen. */
  #lookAgain(path: string, error: unknown): void {
    if (!this.#failing) {
      process.stderr.write(
        `"${path}" cannot be watched: ${(error as Error).stack}\nIt and others are looked at again every second.\n`,
      );
    }
    this.#failing = true;
    this.#unseen.add(path);
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      const paths = [...this.#unseen];
      this.#unseen.clear();
      for (const one of paths) this.#look(one);
      this.#failing = this.#unseen.size > 0;
    }, AGAIN).unref();
  }

  /** Listens to the folder of a file, or to the nearest one above it that exists. */
  #arm(path: string, file: WatchedFile): void {
    for (let { directory } = splitPath(path); ; { directory } = splitPath(directory)) {
      try {
        using pinned = this.#workspace.files.directory(directory);
        const place = pinned.entry(".");
        const inode = statSync(place).ino;
        if (file.folder?.path === directory && file.folder.inode === inode) return;
        this.#leave(path, file);
        let folder = this.#folders.get(directory);
        if (folder !== undefined && folder.inode !== inode) {
          this.#forget(folder);
          folder = undefined;
        }
        folder ??= this.#open(directory, place, inode);
        folder.files.add(path);
        file.folder = folder;
        return;
      } catch (error) {
        if (explain(error, directory) === undefined) throw error;
        // Without events a client still hears of what this server changes.
        if (directory === ".") return;
      }
    }
  }

  #open(path: string, place: string, inode: number): WatchedFolder {
    const events = watch(place, { persistent: false });
    const folder: WatchedFolder = { path, inode, files: new Set(), events };
    events.on("change", () => {
      folder.timer ??= setTimeout(() => {
        delete folder.timer;
        for (const file of [...folder.files]) this.#look(file);
      }, SETTLE).unref();
    });
    events.on("error", () => this.#forget(folder));
    this.#folders.set(path, folder);
    return folder;
  }

  #leave(path: string, file: WatchedFile): void {
    const { folder } = file;
    delete file.folder;
    folder?.files.delete(path);
    if (folder?.files.size === 0) this.#forget(folder);
  }

  #forget(folder: WatchedFolder): void {
    end(folder);
    if (this.#folders.get(folder.path) === folder) this.#folders.delete(folder.path);
  }

  #signature(path: string): string | undefined {
    try {
      using file = this.#workspace.files.file(path);
      const { ino, size, mtimeMs } = file.stats;
      return `${ino}:${size}:${mtimeMs}`;
    } catch (error) {
      if (explain(error, path) === undefined) throw error;
      return undefined;
    }
  }
}

function end(folder: WatchedFolder): void {
  clearTimeout(folder.timer);
  folder.events.close();
}

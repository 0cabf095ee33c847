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

interface WatchedFile {
  /** How many want to know. */
  count: number;
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

  /** Begins to watch a file, which need not exist. The result ends that; calling it twice does no harm. */
  add(path: string): () => void {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = { count: 0, signature: undefined };
      this.#files.set(path, file);
      try {
        file.signature = this.#signature(path);
        if (this.#files.size <= limits.watchedFiles) this.#arm(path, file);
      } catch (error) {
        this.#lookAgain(path, error);
      }
    }
    file.count++;
    let watched = true;
    return () => {
      if (!watched) return;
      watched = false;
      file.count--;
      if (file.count > 0) return;
      this.#files.delete(path);
      this.#leave(path, file);
    };
  }

  close(): void {
    this.#stop();
    clearTimeout(this.#again);
    this.#unseen.clear();
    for (const folder of this.#folders.values()) end(folder);
    this.#folders.clear();
    this.#files.clear();
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
      if (file.folder !== undefined) this.#arm(path, file);
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

/**
 * The only way from a path to a file. Each part of a path is opened through the descriptor of the one before
 * (/proc/PID/fd/N/name) without following links, so no link, also one that is swapped in while a call runs, leads out
 * of the workspace. Synchronous: these calls take microseconds, and an asynchronous one costs ten times as much.
 */
import {
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import { joinPath, STATE } from "./paths.ts";

/** Names a place without opening it for reading: no side effect on devices and pipes. Linux only; not in node:fs. */
const O_PATH = process.platform === "linux" ? 0o10000000 : 0;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** A hard link that another process of this server needs for a moment is gone after this many milliseconds. */
const LINK_PATIENCE = 5;
/** The file system's clock and this process's differ by less, milliseconds. */
const CLOCK_SKEW = 2_000;

/** A directory held open: what happens to its path meanwhile does not matter. Close it by `using`. */
export interface PinnedDirectory extends Disposable {
  /** Workspace-relative; "." is the workspace. */
  readonly path: string;
  readonly fd: number;
  /** Path of an entry for a system call; valid while this is open. */
  entry(name: string): string;
  /** Pins a directory in it. Throws a system error, or ToolError for a link and for what is no name. */
  child(name: string): PinnedDirectory;
  /** Opens a regular file in it for reading. Throws a system error, or ToolError for links and special files. */
  file(name: string): OpenFile;
  /** Sorted by name; without the server's own folder. */
  entries(): Dirent[];
}

/** A regular file open for reading. Close it by `using`. */
export interface OpenFile extends Disposable {
  readonly path: string;
  readonly fd: number;
  readonly stats: Stats;
}

export class Confinement {
  /** Absolute and without links. */
  readonly root: string;
  /** False where there is no /proc: links are then looked for before a path is used, which somebody quick can get around. */
  readonly racefree: boolean;
  readonly #root: number;
  readonly #enter: (parent: Directory, name: string) => string;

  /** Throws an Error for people when `root` is no folder that can be opened. */
  constructor(root: string) {
    try {
      this.root = realpathSync(root);
    } catch {
      throw new Error(`Workspace "${root}" does not exist: create the folder or name another one.`);
    }
    const descriptors = ownDescriptors();
    this.racefree = descriptors !== undefined;
    try {
      this.#root = openSync(this.root, O_PATH | O_DIRECTORY);
    } catch {
      throw new Error(`Workspace "${root}" is not a folder that the server may open.`);
    }
    this.#enter = descriptors
      ? (parent, name) => `${descriptors}${parent.fd}/${name}`
      : (parent, name) => `${joinPath(this.root, parent.path)}/${name}`;
  }

  /** Pins a directory of the workspace. Throws a system error (ENOENT, ENOTDIR), or ToolError for a link in the path. */
  directory(path: string): PinnedDirectory {
    let directory: Directory = new Directory(".", this.#root, this.#enter, false);
    if (path === ".") return directory;
    for (const name of path.split("/")) {
      using parent = directory;
      directory = parent.child(name);
    }
    return directory;
  }

  /** Opens a regular file for reading. Throws as `directory` does, and ToolError for special and hard-linked files. */
  file(path: string): OpenFile {
    const at = path.lastIndexOf("/");
    using directory = this.directory(at < 0 ? "." : path.slice(0, at));
    return directory.file(path.slice(at + 1));
  }

  close(): void {
    closeSync(this.#root);
  }
}

/** Where the system shows what this process has open, if it does. By number: half as many steps as by way of "self". */
function ownDescriptors(): string | undefined {
  try {
    const path = `/proc/${readlinkSync("/proc/self")}/fd/`;
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

class Directory implements PinnedDirectory {
  readonly path: string;
  readonly fd: number;
  readonly #enter: (parent: Directory, name: string) => string;
  readonly #owned: boolean;

  constructor(
    path: string,
    fd: number,
    enter: (parent: Directory, name: string) => string,
    owned: boolean,
  ) {
    this.path = path;
    this.fd = fd;
    this.#enter = enter;
    this.#owned = owned;
  }

  entry(name: string): string {
    return this.#enter(this, name);
  }

  child(name: string): Directory {
    // The system would take these for the directory itself, the one above, or several steps at once.
    if (name === "" || name === "." || name === ".." || name.includes("/")) throw noName(name);
    const place = this.entry(name);
    let fd: number;
    try {
      fd = openSync(place, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      if (failedWith(error, "ENOTDIR", "ELOOP")) refuseLink(place, joinPath(this.path, name));
      throw error;
    }
    return new Directory(joinPath(this.path, name), fd, this.#enter, true);
  }

  file(name: string): OpenFile {
    const path = joinPath(this.path, name);
    const place = this.entry(name);
    for (let attempt = 0; ; attempt++) {
      const started = Date.now();
      let fd: number;
      try {
        fd = openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      } catch (error) {
        if (failedWith(error, "ELOOP")) refuseLink(place, path);
        if (failedWith(error, "ENXIO", "ENODEV")) throw special(path);
        throw error;
      }
      try {
        const stats = fstatSync(fd);
        if (stats.isDirectory()) throw Object.assign(new Error(path), { code: "EISDIR" });
        if (!stats.isFile()) throw special(path);
        if (stats.nlink === 1 && (stats.ctimeMs < started - CLOCK_SKEW || isOnlyName(place, stats)))
          return new Opened(path, fd, stats);
        // Deleted or replaced since it was opened: what is there now counts.
        if (attempt >= LINK_PATIENCE) {
          if (stats.nlink > 1) throw hardLinked(path, stats.nlink);
          throw Object.assign(new Error(path), { code: "ENOENT" });
        }
        if (stats.nlink > 1) Atomics.wait(sleeping, 0, 0, 1);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      closeSync(fd);
    }
  }

  entries(): Dirent[] {
    const entries = readdirSync(this.entry("."), { withFileTypes: true });
    const shown = this.path === "." ? entries.filter((entry) => entry.name !== STATE) : entries;
    return shown.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  [Symbol.dispose](): void {
    if (this.#owned) closeSync(this.fd);
  }
}

class Opened implements OpenFile {
  readonly path: string;
  readonly fd: number;
  readonly stats: Stats;

  constructor(path: string, fd: number, stats: Stats) {
    this.path = path;
    this.fd = fd;
    this.stats = stats;
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

const sleeping = new Int32Array(new SharedArrayBuffer(4));

/**
 * Whether the open file has `place` for its one name. It may have had another one, outside, when it was opened, and have lost
 * the one here since; taking a name away changes the inode's time, so an old time spares the question.
 */
function isOnlyName(place: string, open: Stats): boolean {
  const there = lstatSync(place, { throwIfNoEntry: false });
  return there?.nlink === 1 && there.ino === open.ino && there.dev === open.dev;
}

/** Throws ToolError when a symbolic link is at `place`. */
function refuseLink(place: string, path: string): void {
  let link: boolean;
  try {
    link = lstatSync(place).isSymbolicLink();
  } catch {
    return;
  }
  if (link) {
    throw new ToolError(
      `"${path}" is a symbolic link. Links are not followed; name the file or folder itself.`,
    );
  }
}

function noName(name: string): ToolError {
  return new ToolError(`"${name}" is no name of a folder.`);
}

function special(path: string): ToolError {
  return new ToolError(`"${path}" is a device, socket or pipe. Only regular files can be used.`);
}

function hardLinked(path: string, links: number): ToolError {
  return new ToolError(
    `"${path}" is one of ${links} hard links to the same file, which may lie outside the workspace. Make a copy of it by other means and use that.`,
  );
}

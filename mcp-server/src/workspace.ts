/**
 * The one folder that tools may touch. Every path is first opened, then the kernel is asked where the open
 * file really is (/proc/self/fd), and only then it is used, through the descriptor. So a symbolic link that
 * leaves the workspace is refused even when somebody swaps it in while a call runs.
 */
import { constants, type Dirent, type Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, readlink, realpath } from "node:fs/promises";
import { basename, dirname, posix } from "node:path";
import { PathLocks } from "./path-locks.ts";
import { failedWith, ToolError } from "./tool-error.ts";

/** Names a file without opening it for reading: no side effect on devices and pipes. Not in node:fs. */
const O_PATH = 0o10000000;
/** What the kernel appends to the path of something that has been deleted; a name may also just end so. */
const DELETED = " (deleted)";
const ATTEMPTS = 20;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** A directory held open, so that what happens to its path meanwhile does not matter. */
export interface PinnedDirectory {
  /** Where it really is, relative to the workspace; "." is the workspace itself. */
  path: string;
  /** Path of an entry of it for a system call: valid while it is pinned. */
  entry(name: string): string;
  handle: FileHandle;
}

/** A name in a pinned directory: what is created, replaced, moved or deleted. */
export interface Place {
  directory: PinnedDirectory;
  name: string;
  /** Relative to the workspace. */
  path: string;
  /** For a system call that does not follow links. */
  entry: string;
}

export class Workspace {
  readonly root: string;
  readonly #locks = new PathLocks();

  private constructor(root: string) {
    this.root = root;
  }

  /** Throws an Error that says how to fix it when `folder` is no directory or the system is not Linux. */
  static async open(folder: string): Promise<Workspace> {
    const root = await realpath(folder).catch(() => {
      throw new Error(
        `Workspace "${folder}" does not exist: create the folder or name another one.`,
      );
    });
    const handle = await open(root, O_PATH | O_DIRECTORY).catch(() => {
      throw new Error(`Workspace "${folder}" is not a folder the server may open.`);
    });
    try {
      await readlink(`/proc/self/fd/${handle.fd}`).catch(() => {
        throw new Error(
          "The server needs Linux with /proc mounted: it confines paths by /proc/self/fd.",
        );
      });
    } finally {
      await handle.close();
    }
    return new Workspace(root);
  }

  /** The path as the tools show it: relative, "/" between parts, "." for the workspace. Throws ToolError when it leaves. */
  normalize(path: string): string {
    if (path.includes("\0")) throw new ToolError("The path holds a NUL character.");
    const inside = this.#relative(path);
    if (inside !== undefined) return inside;
    if (path === "/" || path === "") return ".";
    if (path.startsWith("/")) {
      throw new ToolError(
        `"${path}" is an absolute path. Paths are relative to the workspace: leave the leading "/" out.`,
      );
    }
    const normal = posix.normalize(path).replace(/\/$/, "");
    if (normal === ".." || normal.startsWith("../")) {
      throw new ToolError(
        `"${path}" leaves the workspace. Paths are relative to the workspace, without "..".`,
      );
    }
    return normal;
  }

  /** Opens a regular file for reading, following links that stay inside. */
  async withFile<T>(
    path: string,
    use: (file: FileHandle, stats: Stats, real: string) => Promise<T>,
  ): Promise<T> {
    const shown = this.normalize(path);
    return this.#pin(`${this.root}/${shown}`, 0, shown, async (pin, real) => {
      const stats = await pin.stat();
      if (stats.isDirectory()) throw Object.assign(new Error(shown), { code: "EISDIR" });
      if (!stats.isFile()) {
        throw new ToolError(
          `"${shown}" is a device, socket or pipe. Only regular files can be read.`,
        );
      }
      const file = await open(`/proc/self/fd/${pin.fd}`, O_RDONLY | O_NONBLOCK);
      try {
        return await use(file, stats, real);
      } finally {
        await file.close();
      }
    });
  }

  /** Pins a directory, following links that stay inside; with `create`, makes what is missing of it. */
  async withDirectory<T>(
    path: string,
    use: (directory: PinnedDirectory) => Promise<T>,
    options: { create?: boolean; created?: string[] } = {},
  ): Promise<T> {
    const shown = this.normalize(path);
    try {
      return await this.#pinDirectory(`${this.root}/${shown}`, 0, shown, use);
    } catch (error) {
      if (!options.create || shown === "." || !failedWith(error, "ENOENT")) throw error;
    }
    return this.withDirectory(
      dirname(shown),
      async (parent) => {
        const name = basename(shown);
        try {
          await mkdir(parent.entry(name));
          options.created?.push(posix.join(parent.path, name));
        } catch (error) {
          if (!failedWith(error, "EEXIST")) throw error;
        }
        return this.#pinDirectory(parent.entry(name), 0, shown, use);
      },
      options,
    );
  }

  /** Opens a directory that is an entry of a pinned one; a link is refused with ELOOP or ENOTDIR. */
  async withEntry<T>(
    directory: PinnedDirectory,
    name: string,
    use: (directory: PinnedDirectory) => Promise<T>,
  ): Promise<T> {
    return this.#pinDirectory(
      directory.entry(name),
      O_NOFOLLOW,
      posix.join(directory.path, name),
      use,
    );
  }

  /** Entries of a pinned directory in the order of their names. */
  async entries(directory: PinnedDirectory): Promise<Dirent[]> {
    const entries = await readdir(directory.entry("."), { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Opens an entry for reading when it is a regular file, without following links; undefined when it is not. */
  async withRegularEntry<T>(
    directory: PinnedDirectory,
    name: string,
    use: (file: FileHandle, stats: Stats) => Promise<T>,
  ): Promise<T | undefined> {
    const file = await open(directory.entry(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = await file.stat();
      return stats.isFile() ? await use(file, stats) : undefined;
    } finally {
      await file.close();
    }
  }

  /**
   * The place of a path itself: a link in its last part is not followed. With `create`, makes the missing
   * directories above it.
   */
  async withPlace<T>(
    path: string,
    use: (place: Place) => Promise<T>,
    options: { create?: boolean; created?: string[] } = {},
  ): Promise<T> {
    const shown = this.normalize(path);
    if (shown === ".")
      throw new ToolError("The workspace itself cannot be changed, only what is in it.");
    return this.withDirectory(
      dirname(shown),
      (directory) => {
        const name = basename(shown);
        return use({
          directory,
          name,
          path: posix.join(directory.path, name),
          entry: directory.entry(name),
        });
      },
      options,
    );
  }

  /** The place where a file's content is: like `withPlace`, but a link to a file inside is followed. */
  async withContentPlace<T>(
    path: string,
    use: (place: Place) => Promise<T>,
    options: { create?: boolean; created?: string[] } = {},
  ): Promise<T> {
    return this.withPlace(
      path,
      async (place) => {
        const stats = await lstat(place.entry).catch(() => undefined);
        if (!stats?.isSymbolicLink()) return use(place);
        const real = await this.#pin(
          place.entry,
          0,
          place.path,
          async (_pin, where) => where,
        ).catch((error) => {
          if (!failedWith(error, "ENOENT")) throw error;
          throw new ToolError(
            `"${place.path}" is a symbolic link to something that does not exist. Write to the file itself, or delete the link.`,
          );
        });
        return this.withPlace(real, use);
      },
      options,
    );
  }

  /** Runs `change` while no other change of this file's content runs, whatever spelling or link names the file. */
  async changeContent<T>(path: string, change: () => Promise<T>): Promise<T> {
    return this.#locks.hold([await this.#realPath(this.normalize(path))], change);
  }

  /** Runs `change` while nothing else changes at these places; a link in the last part is not followed. */
  async changePlaces<T>(paths: string[], change: () => Promise<T>): Promise<T> {
    const keys = paths.map(async (path) => {
      const shown = this.normalize(path);
      return posix.join(await this.#realPath(dirname(shown)), basename(shown));
    });
    return this.#locks.hold(await Promise.all(keys), change);
  }

  /** Where a path leads; what does not exist yet is taken as it is spelled. */
  async #realPath(shown: string): Promise<string> {
    const missing: string[] = [];
    for (let known = shown; known !== "."; known = dirname(known)) {
      try {
        const real = await this.#pin(
          `${this.root}/${known}`,
          0,
          known,
          async (_pin, where) => where,
        );
        return posix.join(real, ...missing);
      } catch (error) {
        if (!failedWith(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
        missing.unshift(basename(known));
      }
    }
    return shown;
  }

  async #pinDirectory<T>(
    path: string,
    flags: number,
    shown: string,
    use: (directory: PinnedDirectory) => Promise<T>,
  ): Promise<T> {
    return this.#pin(path, O_DIRECTORY | flags, shown, (handle, real) =>
      use({ path: real, handle, entry: (name) => `/proc/self/fd/${handle.fd}/${name}` }),
    );
  }

  /** Opens without side effects, refuses what is not inside, and gives the real place. */
  async #pin<T>(
    path: string,
    flags: number,
    shown: string,
    use: (handle: FileHandle, real: string) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const handle = await open(path, O_PATH | flags);
      try {
        const where = await readlink(`/proc/self/fd/${handle.fd}`);
        // Replaced or deleted since it was opened: what is at the path now counts.
        if (where.endsWith(DELETED) && attempt < ATTEMPTS && !(await isAt(where, handle))) continue;
        const real = this.#relative(where);
        if (real === undefined) {
          throw new ToolError(
            `"${shown}" leads out of the workspace by a symbolic link. Only what is inside can be used.`,
          );
        }
        return await use(handle, real);
      } finally {
        await handle.close();
      }
    }
  }

  #relative(absolute: string): string | undefined {
    if (absolute === this.root) return ".";
    const prefix = this.root === "/" ? "/" : `${this.root}/`;
    if (!absolute.startsWith(prefix)) return undefined;
    const inside = posix.normalize(absolute.slice(prefix.length)).replace(/\/$/, "");
    if (inside === ".." || inside.startsWith("../") || inside.startsWith("/")) return undefined;
    return inside;
  }
}

async function isAt(path: string, handle: FileHandle): Promise<boolean> {
  const [there, held] = await Promise.all([lstat(path).catch(() => undefined), handle.stat()]);
  return there?.ino === held.ino && there?.dev === held.dev;
}

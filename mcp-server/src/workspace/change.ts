/**
 * A change being planned: its steps are checked against what is there, and seen by the steps after them, but nothing in the
 * workspace has changed.
 */
import { lstatSync, type Stats } from "node:fs";
import { limits } from "../limits.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement } from "./confinement.ts";
import { type Contents, contentHash } from "./content.ts";
import { checkChangeable, checkNewName, isWithin, joinPath, splitPath } from "./paths.ts";
import { PlannedView, type Seen, type StagedStep } from "./planned-view.ts";
import { StagedContent } from "./staged-content.ts";
import { newName, type StateFolder } from "./state-folder.ts";

/** Entries of a folder that is copied; more would hold up other callers. */
const MOST_COPIED = 2_000;

/** What a change sees at a path. */
export interface Planned {
  bytes: Buffer;
  /** SHA-256 of the bytes, in hexadecimal digits. */
  etag: string;
  /** Permission bits. */
  mode: number;
}

export class Change {
  readonly #view: PlannedView;
  readonly #files: Confinement;
  readonly #state: StateFolder;
  readonly #contents: Contents;
  readonly #staged: StagedContent;

  constructor(files: Confinement, state: StateFolder, contents: Contents) {
    this.#view = new PlannedView(files);
    this.#files = files;
    this.#state = state;
    this.#contents = contents;
    this.#staged = new StagedContent(state);
  }

  get steps(): StagedStep[] {
    return this.#view.steps;
  }

  /** A whole file as the steps so far leave it; undefined when there is nothing. Throws ToolError above `most` bytes. */
  read(path: string, most: number = limits.write): Planned | undefined {
    const seen = this.#view.see(path);
    if (seen.kind === "absent") return undefined;
    if (seen.kind === "written") {
      const { after, mode } = seen.step;
      if (after === undefined) throw new ToolError(`"${path}" is too large to be read here.`);
      return { bytes: this.#staged.read(seen.step), etag: after, mode: mode as number };
    }
    if (seen.kind === "folder") throw Object.assign(new Error(path), { code: "EISDIR" });
    using file = this.#files.file(seen.kind === "file" ? seen.at : path);
    const { bytes, etag, stats } = this.#contents.read(file, most);
    return { bytes, etag, mode: modeOf(stats) };
  }

  /** What is at a path as the steps so far leave it. */
  kind(path: string): "absent" | "folder" | "file" | "link" | "special" {
    const { kind } = this.#view.see(path);
    return kind === "written" ? "file" : kind;
  }

  /** Whether a folder has nothing in it as the steps so far leave it. */
  isEmpty(path: string): boolean {
    return this.#view.isEmpty(path);
  }

  /**
   * Puts content at a path. Mode and owner of a file that is there stay unless `mode` is given; `parents` makes missing
   * folders. Content that is there already is no step. Throws ToolError when something else than a file is there.
   */
  write(
    path: string,
    bytes: Uint8Array,
    options: { parents?: boolean; mode?: number } = {},
  ): { created: boolean; etag: string } {
    const seen = this.#prepare(path, options.parents ?? false);
    const etag = contentHash(bytes);
    const before = this.#before(seen);
    const mode = options.mode ?? before.beforeMode ?? 0o666 & ~process.umask();
    if (before.before === etag && before.beforeMode === mode) {
      // Back to what was there before this change.
      if (seen.kind === "written" && seen.direct) this.#discard(seen.step);
      return { created: false, etag };
    }
    const step: StagedStep = {
      ...before,
      op: "write",
      path,
      after: etag,
      size: bytes.length,
      mode,
      bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    };
    this.#add(step, seen);
    this.#staged.hold(step);
    return { created: seen.kind === "absent", etag };
  }

  /** Makes a folder, and the ones above it. Throws ToolError when something else is there. */
  makeDirectory(path: string): { created: boolean } {
    if (path === ".") return { created: false };
    const seen = this.#view.see(path);
    if (seen.kind === "folder") return { created: false };
    checkChangeable(path);
    if (seen.kind !== "absent")
      throw new ToolError(`"${path}" is a file, so no folder can be there. Choose another name.`);
    const { directory, name } = splitPath(path);
    this.makeDirectory(directory);
    this.#checkNew(directory, name);
    this.#view.add({ op: "make_directory", path, folder: true });
    return { created: true };
  }

  /** Moves a file, folder or link; makes missing folders above the target. Throws ToolError when the target exists. */
  move(from: string, to: string): void {
    checkChangeable(from);
    const seen = this.#view.see(from);
    if (seen.kind === "absent") throw missing(from);
    if (isWithin(to, from))
      throw new ToolError(`"${to}" lies inside "${from}", which cannot be moved into itself.`);
    this.#free(to);
    if (seen.kind === "written") {
      const { after, size, mode } = seen.step;
      this.#view.add(prune({ op: "move", path: to, from, moves: seen.step, after, size, mode }));
      return;
    }
    const stats = seen.kind === "folder" ? this.#view.folderStats(from) : seen.stats;
    this.#view.add({
      op: "move",
      path: to,
      from,
      inode: stats?.ino ?? 0,
      ...(seen.kind === "folder" ? { folder: true } : { size: stats?.size, mode: modeOf(stats) }),
      ...(seen.kind === "file" && seen.stats.size <= limits.write
        ? { after: this.#etag(seen.at) }
        : {}),
    });
  }

  /** Copies a file, or a folder without the links in it. Throws ToolError when the target exists or the folder is too large. */
  async copy(from: string, to: string): Promise<{ files: number }> {
    const seen = this.#view.see(from);
    if (seen.kind === "absent") throw missing(from);
    if (isWithin(to, from) && seen.kind === "folder")
      throw new ToolError(`"${to}" lies inside "${from}", which cannot be copied into itself.`);
    this.#free(to);
    if (seen.kind !== "folder") {
      await this.#copyFile(from, to);
      return { files: 1 };
    }
    let files = 0;
    this.makeDirectory(to);
    const open = [{ from, to }];
    for (let one = open.pop(); one; one = open.pop()) {
      const physical = this.#view.physical(one.from);
      if (physical === undefined)
        throw new ToolError(`"${one.from}" was made by this very change and cannot be copied.`);
      using directory = this.#files.directory(physical);
      for (const entry of directory.entries()) {
        if (this.#view.size > MOST_COPIED) {
          throw new ToolError(
            `"${from}" has more than ${MOST_COPIED} entries, too many for one copy. Copy its folders one by one.`,
          );
        }
        if (entry.name === ".git") continue;
        const pair = { from: joinPath(one.from, entry.name), to: joinPath(one.to, entry.name) };
        if (entry.isDirectory()) {
          this.makeDirectory(pair.to);
          open.push(pair);
        } else if (entry.isFile()) {
          await this.#copyFile(pair.from, pair.to);
          files++;
        }
      }
    }
    return { files };
  }

  /** Puts a file, folder or link into the trash. */
  trash(path: string): void {
    checkChangeable(path);
    const seen = this.#view.see(path);
    if (seen.kind === "absent") throw missing(path);
    if (seen.kind === "written") {
      const { step } = seen;
      if (seen.direct) {
        this.#discard(step);
        if (step.found) this.trash(path);
      } else {
        const { after: before, size: beforeSize, mode: beforeMode } = step;
        const kept = before === undefined ? { trash: newName() } : { before };
        this.#view.add(prune({ op: "delete", path, moves: step, ...kept, beforeSize, beforeMode }));
      }
      return;
    }
    if (seen.kind === "folder") {
      const stats = this.#view.folderStats(path);
      if (!stats) {
        this.#forgetFolder(path);
        return;
      }
      this.#view.add({
        op: "delete",
        path,
        folder: true,
        inode: stats.ino,
        beforeSize: this.#view.folderSize(path),
        trash: newName(),
        found: stats,
      });
      return;
    }
    const before = seen.kind === "file" ? this.#beforeDelete(seen) : {};
    this.#view.add({
      ...before,
      ...(before.before === undefined ? { trash: newName() } : {}),
      op: "delete",
      path,
      inode: seen.stats.ino,
      found: seen.stats,
    });
  }

  /** Takes something out of the trash. Throws ToolError when it is no longer there or the place is taken. */
  restore(path: string, trash: string): void {
    const deletion = this.#view.deletion(trash);
    if (deletion) {
      this.#free(path);
      const { inode, folder, beforeSize: size, beforeMode: mode } = deletion;
      this.#view.add(prune({ op: "restore", path, trash, inode, folder, size, mode }));
      return;
    }
    let stats: Stats;
    try {
      stats = lstatSync(this.#state.trash.entry(trash));
    } catch {
      throw new ToolError(`What was deleted at "${path}" is no longer kept.`);
    }
    this.#free(path);
    this.#view.add({
      op: "restore",
      path,
      trash,
      inode: stats.ino,
      ...(stats.isDirectory() ? { folder: true } : { size: stats.size, mode: modeOf(stats) }),
    });
  }

  /** Gives up: nothing of what was prepared stays. */
  abandon(): void {
    for (const step of this.steps) this.#staged.drop(step);
    this.#view.clear();
  }

  /** Checks that content may be put at a path and says what is there. */
  #prepare(path: string, parents: boolean): Exclude<Seen, { kind: "folder" | "link" | "special" }> {
    checkChangeable(path);
    const seen = this.#view.see(path);
    if (seen.kind === "folder")
      throw new ToolError(`"${path}" is a folder, so no content can be written there.`);
    if (seen.kind === "link")
      throw new ToolError(
        `"${path}" is a symbolic link. Links are not followed; delete it first or name the file itself.`,
      );
    if (seen.kind === "special")
      throw new ToolError(`"${path}" is a device, socket or pipe, so no content can be written.`);
    if (seen.kind === "absent") {
      const { directory, name } = splitPath(path);
      if (parents) this.makeDirectory(directory);
      else if (this.#view.see(directory).kind !== "folder") throw missing(directory);
      this.#checkNew(directory, name);
    }
    return seen;
  }

  /** Checks that nothing is at a path yet and makes the folders above it. */
  #free(path: string): void {
    checkChangeable(path);
    if (this.#view.see(path).kind !== "absent") {
      throw new ToolError(`"${path}" exists already. Choose another name, or delete it first.`);
    }
    const { directory, name } = splitPath(path);
    this.makeDirectory(directory);
    this.#checkNew(directory, name);
  }

  /** Refuses a new name that cannot be told from one that is there. */
  #checkNew(directory: string, name: string): void {
    checkNewName(name);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all that is not ASCII is meant.
    if (/^[\x00-\x7f]*$/.test(name)) return;
    const physical = this.#view.physical(directory);
    if (physical === undefined) return;
    using pinned = this.#files.directory(physical);
    const twin = pinned.entries().find((entry) => entry.name.normalize("NFC") === name);
    if (twin && twin.name !== name) {
      throw new ToolError(
        `"${joinPath(directory, name)}" would look the same as a file that is there, whose name is spelled by other Unicode characters. Use the one that is there, as list_files shows it.`,
      );
    }
  }

  #add(step: StagedStep, seen: Seen): void {
    if (seen.kind === "written" && seen.direct) {
      this.#staged.drop(seen.step);
      this.#view.replace(seen.step, step);
    } else {
      this.#view.add(step);
    }
  }

  /** What a step that replaces or deletes a file takes away. */
  #before(seen: Seen): Partial<StagedStep> {
    if (seen.kind === "written") {
      const { step } = seen;
      // The step is replaced, and what it would have taken away is what this one takes away.
      if (seen.direct) {
        const { before, beforeSize, beforeMode, trash, found } = step;
        return prune({ before, beforeSize, beforeMode, trash, found });
      }
      return prune({ before: step.after, beforeSize: step.size, beforeMode: step.mode });
    }
    if (seen.kind !== "file") return {};
    const { stats } = seen;
    return {
      beforeSize: stats.size,
      beforeMode: modeOf(stats),
      found: stats,
      ...(stats.size <= limits.write ? { before: this.#etag(seen.at) } : { trash: newName() }),
    };
  }

  /** A file that may not be read, or has other links, can be deleted all the same. */
  #beforeDelete(seen: Seen): Partial<StagedStep> {
    try {
      return this.#before(seen);
    } catch (error) {
      if (error instanceof ToolError || failedWith(error, "EACCES")) return {};
      throw error;
    }
  }

  #etag(path: string): string {
    using file = this.#files.file(path);
    return this.#contents.etag(file);
  }

  /** A folder that this change makes is not made after all. */
  #forgetFolder(path: string): void {
    const made = this.steps.filter((step) => isWithin(step.path, path));
    if (made.some((step) => step.op !== "make_directory" && step.op !== "write"))
      throw tangled(path);
    for (const step of made) this.#discard(step);
  }

  async #copyFile(from: string, to: string): Promise<void> {
    const seen = this.#view.see(from);
    if (seen.kind !== "file" || seen.stats.size <= limits.write) {
      const content = this.read(from);
      if (!content) throw missing(from);
      this.write(to, content.bytes, { parents: true, mode: content.mode });
      return;
    }
    using source = this.#files.file(seen.at);
    this.#prepare(to, true);
    const mode = modeOf(source.stats);
    const temporary = await this.#staged.copy(source.fd, mode);
    this.#view.add({ op: "write", path: to, size: source.stats.size, mode, temporary });
  }

  #discard(step: StagedStep): void {
    this.#staged.drop(step);
    this.#view.remove(step);
  }
}

function modeOf(stats: Stats | undefined): number {
  return (stats?.mode ?? 0) & 0o7777;
}

function prune<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function missing(path: string): Error {
  return Object.assign(new Error(path), { code: "ENOENT" });
}

function tangled(path: string): ToolError {
  return new ToolError(
    `"${path}" is changed twice in ways that depend on each other. Do it in two calls.`,
  );
}

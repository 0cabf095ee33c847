/**
 * Carries the steps of a journalled change out: Content that a step takes away becomes an
 * object or goes into the trash by a second link or the same rename. When a step fails, the ones before it are taken back.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { Step } from "../history/journal.ts";
import { limits } from "../limits.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement, PinnedDirectory } from "./confinement.ts";
import { contentHash } from "./content.ts";
import { splitPath } from "./paths.ts";
import type { StagedStep } from "./planned-view.ts";
import type { StateFolder } from "./state-folder.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Tells the unfinished files of processes apart. */
const series = randomBytes(8).toString("hex");
let count = 0;

export interface CarriedOut {
  /** Directories whose entries have changed, held open. */
  directories: Map<string, PinnedDirectory>;
}

/** A step that has been carried out. */
interface Done {
  /** Takes it back. */
  back(): void;
  /** Drops what was held only to take it back. */
  end?(): void;
}

/** Throws ToolError when somebody else changed the same places meanwhile; then nothing has changed. */
export function carryOut(
  files: Confinement,
  state: StateFolder,
  steps: readonly StagedStep[],
): CarriedOut {
  const directories = new Map<string, PinnedDirectory>();
  const done: Done[] = [];
  const renamed = new Set<number>();
  const place = (path: string): string => {
    const { directory, name } = splitPath(path);
    let pinned = directories.get(directory);
    if (!pinned) {
      pinned = files.directory(directory);
      directories.set(directory, pinned);
    }
    return pinned.entry(name);
  };
  try {
    for (const [number, step] of steps.entries()) {
      const last = number === steps.length - 1;
      done.push(carryOutStep(step, state, place, renamed, last));
      // What was moved away may be open under its old path.
      if (step.op === "move" || step.op === "delete") {
        for (const [path, pinned] of directories) {
          const gone = step.op === "move" ? (step.from as string) : step.path;
          if (path === gone || path.startsWith(`${gone}/`)) {
            pinned[Symbol.dispose]();
            directories.delete(path);
          }
        }
      }
    }
    for (const { end } of done) {
      try {
        end?.();
      } catch {
        // The change is done. What is left over lies among the unfinished files, which are swept.
      }
    }
    return { directories };
  } catch (error) {
    for (const { back } of done.reverse()) {
      try {
        back();
      } catch (failure) {
        // The others are taken back all the same.
        process.stderr.write(`a step of a refused change stays: ${(failure as Error).message}\n`);
      }
    }
    for (const pinned of directories.values()) pinned[Symbol.dispose]();
    throw error;
  }
}

/**
 * `renamed` collects the inodes that this change has moved, whose time of change therefore says nothing. The last step needs
 * nothing to take it back by: there is none after it that could fail.
 */
function carryOutStep(
  step: StagedStep,
  state: StateFolder,
  place: (path: string) => string,
  renamed: Set<number>,
  last: boolean,
): Done {
  const target = place(step.path);
  switch (step.op) {
    case "make_directory":
      return makeDirectory(target);
    case "write": {
      if (step.temporary === undefined) closeSync(writeUnfinished(step, state));
      const unfinished = state.temporary.entry(step.temporary as string);
      const there = stats(target);
      if (step.found ? !same(there, step.found, renamed) : there && !keeps(step))
        throw changed(step.path);
      if (!there) {
        renameSync(unfinished, target);
        return { back: () => renameSync(target, unfinished) };
      }
      const second = keep(step, state, target, there.ino, last);
      try {
        renameSync(unfinished, target);
      } catch (error) {
        // With two names nothing would read the file any more.
        if (second) unlinkSync(second.name);
        throw error;
      }
      return {
        back: () => second && renameSync(second.name, target),
        end: () => second?.shared && unlinkSync(second.name),
      };
    }
    case "delete": {
      const there = stats(target);
      if (!there || (step.inode !== 0 && there.ino !== step.inode)) throw changed(step.path);
      // What a folder holds is not compared: all of it goes into the trash.
      if (step.found && !step.folder && !same(there, step.found, renamed)) throw changed(step.path);
      let kept = keptPlace(step, state);
      const shared = step.before !== undefined && isIntact(kept, step.before);
      if (shared) kept = heldPlace(there.ino, state);
      renameSync(target, kept);
      renamed.add(there.ino);
      return {
        back: () => renameSync(kept, target),
        ...(shared ? { end: () => unlinkSync(kept) } : {}),
      };
    }
    case "move":
    case "restore": {
      const source =
        step.op === "move" ? place(step.from as string) : state.trash.entry(step.trash as string);
      if (stats(target)) throw changed(step.path);
      renameSync(source, target);
      if (step.inode !== undefined) renamed.add(step.inode);
      return { back: () => renameSync(target, source) };
    }
  }
}

/**
 * Writes the content of a step into an unfinished file, which gets the mode and, where there is one already, the owner of the
 * file it replaces. Returns its descriptor, open for a sync.
 */
export function writeUnfinished(step: StagedStep, state: StateFolder): number {
  const name = `${series}-${(count++).toString(36)}`;
  const place = state.temporary.entry(name);
  const file = openSync(place, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  step.temporary = name;
  try {
    const bytes = step.bytes as Buffer;
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    const { found } = step;
    if (found && (found.uid !== process.geteuid?.() || found.gid !== process.getegid?.())) {
      try {
        fchownSync(file, found.uid, found.gid);
      } catch {
        // Without the right to give files away the content still counts more than its owner.
      }
    }
    fchmodSync(file, step.mode as number);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Whether a step of a write has something to keep: what an earlier step of the same change put there, at least. */
function keeps(step: Step): boolean {
  return step.before !== undefined || step.trash !== undefined;
}

/** Where what a step takes away is kept. */
export function keptPlace(step: Step, state: StateFolder): string {
  return step.before === undefined
    ? state.trash.entry(step.trash as string)
    : state.object(step.before);
}

/**
 * Where a file whose content is kept already waits until the change is done, so that taking the change back gives back the very
 * file, with its mode and owner. Named so that recovery finds it.
 */
export function heldPlace(inode: number, state: StateFolder): string {
  return state.temporary.entry(`held-${inode}`);
}

/**
 * Gives what is at `target` a second name: under its hash for good, or, where its content is kept already (`shared`), until the
 * change is done; then the last step needs none.
 */
function keep(
  step: Step,
  state: StateFolder,
  target: string,
  inode: number,
  last: boolean,
): { name: string; shared: boolean } | undefined {
  const kept = keptPlace(step, state);
  try {
    linkSync(target, kept);
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
    if (step.before !== undefined && isIntact(kept, step.before)) {
      if (last) return undefined;
      const held = heldPlace(inode, state);
      linkAnew(target, held);
      return { name: held, shared: true };
    }
    linkAnew(target, kept);
  }
  return { name: kept, shared: false };
}

/** Links in the place of what is there. */
function linkAnew(target: string, name: string): void {
  rmSync(name, { force: true });
  linkSync(target, name);
}

/**
 * Whether content is kept as it was: a program that had the file open may have written into it since, without changing its
 * size. Costs a read, but only where the same content is kept a second time.
 */
function isIntact(kept: string, hash: string): boolean {
  let file: number;
  try {
    file = openSync(kept, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (failedWith(error, "ENOENT", "EACCES", "ELOOP", "ENXIO")) return false;
    throw error;
  }
  try {
    const there = fstatSync(file);
    return there.isFile() && there.size <= limits.write && contentHash(readFileSync(file)) === hash;
  } finally {
    closeSync(file);
  }
}

function makeDirectory(target: string): Done {
  try {
    mkdirSync(target);
  } catch (error) {
    if (failedWith(error, "EEXIST") && stats(target)?.isDirectory()) return { back() {} };
    throw error;
  }
  return { back: () => rmdirSync(target) };
}

/** The time of the last change tells also an edit that sets the time of modification back; a rename changes it too. */
function same(there: Stats | undefined, found: Stats, renamed: ReadonlySet<number>): boolean {
  return (
    there?.ino === found.ino &&
    there.dev === found.dev &&
    there.size === found.size &&
    there.mtimeMs === found.mtimeMs &&
    (there.ctimeMs === found.ctimeMs || renamed.has(there.ino))
  );
}

function stats(place: string): Stats | undefined {
  return lstatSync(place, { throwIfNoEntry: false });
}

function changed(path: string): ToolError {
  return new ToolError(
    `"${path}" was changed by another program at this very moment; nothing was done. Look at it again and repeat.`,
  );
}

/**
 * Carries the steps of a journalled change out: Content that a step takes away becomes an
 * object or goes into the trash by a second link or the same rename. When a step fails, the ones before it are taken back.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { Step } from "../history/journal.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement, PinnedDirectory } from "./confinement.ts";
import { splitPath } from "./paths.ts";
import type { StagedStep } from "./planned-view.ts";
import type { StateFolder } from "./state-folder.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Tells the unfinished files of processes apart. */
const series = randomBytes(8).toString("hex");
let count = 0;

export interface CarriedOut {
  /** Directories whose entries have changed, held open. */
  directories: Map<string, PinnedDirectory>;
}

/** Throws ToolError when somebody else changed the same places meanwhile; then nothing has changed. */
export function carryOut(
  files: Confinement,
  state: StateFolder,
  steps: readonly StagedStep[],
): CarriedOut {
  const directories = new Map<string, PinnedDirectory>();
  const undo: (() => void)[] = [];
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
    for (const step of steps) {
      undo.push(carryOutStep(step, state, place));
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
    return { directories };
  } catch (error) {
    for (const back of undo.reverse()) back();
    for (const pinned of directories.values()) pinned[Symbol.dispose]();
    throw error;
  }
}

/** Returns what takes the step back. */
function carryOutStep(
  step: StagedStep,
  state: StateFolder,
  place: (path: string) => string,
): () => void {
  const target = place(step.path);
  switch (step.op) {
    case "make_directory":
      return makeDirectory(target);
    case "write": {
      if (step.temporary === undefined) closeSync(writeUnfinished(step, state));
      const unfinished = state.temporary.entry(step.temporary as string);
      const there = stats(target);
      if (step.found ? !same(there, step.found) : there && !keeps(step)) throw changed(step.path);
      const back = there ? keep(step, state, target) : undefined;
      renameSync(unfinished, target);
      return () => {
        renameSync(target, unfinished);
        back?.();
      };
    }
    case "delete": {
      const there = stats(target);
      if (!there || (step.inode !== 0 && there.ino !== step.inode)) throw changed(step.path);
      const kept = keptPlace(step, state);
      const shared = stats(kept) !== undefined;
      renameSync(target, kept);
      return () => giveBack(kept, target, shared);
    }
    case "move":
    case "restore": {
      const source =
        step.op === "move" ? place(step.from as string) : state.trash.entry(step.trash as string);
      if (stats(target)) throw changed(step.path);
      renameSync(source, target);
      return () => renameSync(target, source);
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

/** Gives what is at `target` a second name, under which it stays. Returns what puts it back. */
function keep(step: Step, state: StateFolder, target: string): () => void {
  const kept = keptPlace(step, state);
  let shared = false;
  try {
    linkSync(target, kept);
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
    // One of this size is the same content; another one was damaged.
    shared = lstatSync(kept).size === lstatSync(target).size;
    if (!shared) {
      unlinkSync(kept);
      linkSync(target, kept);
    }
  }
  return () => giveBack(kept, target, shared);
}

/** Content that other versions share stays where it is kept. */
function giveBack(kept: string, target: string, shared: boolean): void {
  if (shared) copyFileSync(kept, target, constants.COPYFILE_EXCL);
  else renameSync(kept, target);
}

function makeDirectory(target: string): () => void {
  try {
    mkdirSync(target);
  } catch (error) {
    if (failedWith(error, "EEXIST") && stats(target)?.isDirectory()) return () => {};
    throw error;
  }
  return () => rmdirSync(target);
}

function same(there: Stats | undefined, found: Stats): boolean {
  return there?.ino === found.ino && there.size === found.size && there.mtimeMs === found.mtimeMs;
}

function stats(place: string): Stats | undefined {
  return lstatSync(place, { throwIfNoEntry: false });
}

function changed(path: string): ToolError {
  return new ToolError(
    `"${path}" was changed by another program at this very moment; nothing was done. Look at it again and repeat.`,
  );
}

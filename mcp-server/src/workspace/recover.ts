/** Finishes the changes that were journalled when a process died before it had carried them out. */
import { lstatSync, readFileSync } from "node:fs";
import type { Journal, StepRecord } from "../history/journal.ts";
import { limits } from "../limits.ts";
import { carryOut } from "./carry-out.ts";
import type { Confinement } from "./confinement.ts";
import { contentHash } from "./content.ts";
import type { StateFolder } from "./state-folder.ts";

/** To be called while no process changes the workspace. */
export function recover(files: Confinement, state: StateFolder, journal: Journal): void {
  for (const step of journal.unfinished()) {
    if (isDone(step, files, state)) continue;
    try {
      const { directories } = carryOut(files, state, [asFound(step, files)]);
      for (const directory of directories.values()) directory[Symbol.dispose]();
    } catch {
      // Somebody else changed the place since: theirs counts, and the change was never acknowledged.
      journal.forgetStep(step.change.id, step.number);
    }
  }
  for (const step of journal.unfinished()) journal.done(step.change.id);
  journal.settle();
  state.sweep();
}

/** A rename takes its source away, so what is still there has not been renamed. */
function isDone(step: StepRecord, files: Confinement, state: StateFolder): boolean {
  switch (step.op) {
    case "make_directory":
      return false;
    case "write":
      return inode(state.temporary.entry(step.temporary as string)) === undefined;
    case "restore":
      return inode(state.trash.entry(step.trash as string)) !== step.inode;
    case "delete":
      return inodeAt(files, step.path) !== step.inode;
    case "move":
      return inodeAt(files, step.from as string) !== step.inode;
  }
}

/** The step with what is now at its place, where that is what was there when it was planned. Throws when it is not. */
function asFound(step: StepRecord, files: Confinement) {
  if (step.op !== "write" || (step.before === undefined && step.trash === undefined)) return step;
  using file = files.file(step.path);
  const same =
    step.before === undefined
      ? file.stats.size === step.beforeSize
      : file.stats.size <= limits.write && contentHash(readFileSync(file.fd)) === step.before;
  if (!same) throw new Error(`"${step.path}" has changed`);
  return { ...step, found: file.stats };
}

function inodeAt(files: Confinement, path: string): number | undefined {
  const at = path.lastIndexOf("/");
  try {
    using directory = files.directory(at < 0 ? "." : path.slice(0, at));
    return inode(directory.entry(path.slice(at + 1)));
  } catch {
    return undefined;
  }
}

function inode(place: string): number | undefined {
  return lstatSync(place, { throwIfNoEntry: false })?.ino;
}

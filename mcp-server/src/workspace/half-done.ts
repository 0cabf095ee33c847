/** What of a journalled step has been done when its process, or the machine, died over it. */
import { lstatSync, readFileSync, type Stats, unlinkSync } from "node:fs";
import type { Journal, StepRecord } from "../history/journal.ts";
import { limits } from "../limits.ts";
import { ToolError } from "../tools/tool-error.ts";
import { heldPlace, keptPlace } from "./carry-out.ts";
import type { Confinement, OpenFile } from "./confinement.ts";
import { contentHash } from "./content.ts";
import { splitPath } from "./paths.ts";
import type { StagedStep } from "./planned-view.ts";
import type { StateFolder } from "./state-folder.ts";

/** A rename takes its source away, so what is still there has not been renamed. */
export function isDone(step: StepRecord, files: Confinement, state: StateFolder): boolean {
  switch (step.op) {
    case "make_directory":
      return statsAt(files, step.path)?.isDirectory() ?? false;
    case "write":
      return step.content === undefined
        ? inode(state.temporary.entry(step.temporary ?? "none")) === undefined
        : hashAt(files, step.path) === step.after;
    case "restore":
      return inode(state.trash.entry(step.trash as string)) !== step.inode;
    case "delete":
      return statsAt(files, step.path)?.ino !== step.inode;
    case "move":
      return statsAt(files, step.from as string)?.ino !== step.inode;
  }
}

/**
 * What was given its second name and was not replaced any more is one file with two names, which nothing reads. Returns whether
 * it was so: then the step has not been done.
 */
export function takeBackLink(step: StepRecord, files: Confinement, state: StateFolder): boolean {
  if (step.op !== "write" || (step.before === undefined && step.trash === undefined)) return false;
  const there = statsAt(files, step.path)?.ino;
  if (there === undefined) return false;
  const seconds = [keptPlace(step, state), heldPlace(there, state)].filter(
    (second) => inode(second) === there,
  );
  for (const second of seconds) unlinkSync(second);
  return seconds.length > 0;
}

/**
 * The step with its content, and with what is now at its place. Throws ToolError, or the system's error, when that is not what
 * the step was planned for.
 */
export function asPlanned(step: StepRecord, files: Confinement, journal: Journal): StagedStep {
  const takes = step.op === "write" || step.op === "delete";
  if (!takes) return step;
  const bytes = journal.content(step);
  const staged = { ...step, ...(bytes ? { bytes } : {}) };
  if (step.before === undefined && (step.op === "delete" || step.trash === undefined))
    return staged;
  using file = files.file(step.path);
  const same =
    step.before === undefined ? file.stats.size === step.beforeSize : hashOf(file) === step.before;
  if (!same) throw new ToolError(`"${step.path}" has changed`);
  return { ...staged, found: file.stats };
}

/** Undefined for a file too large to be a version. */
export function hashOf(file: OpenFile): string | undefined {
  return file.stats.size <= limits.write ? contentHash(readFileSync(file.fd)) : undefined;
}

function hashAt(files: Confinement, path: string): string | undefined {
  try {
    using file = files.file(path);
    return hashOf(file);
  } catch {
    return undefined;
  }
}

function statsAt(files: Confinement, path: string): Stats | undefined {
  const { directory, name } = splitPath(path);
  try {
    using pinned = files.directory(directory);
    return lstatSync(pinned.entry(name), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function inode(place: string): number | undefined {
  return lstatSync(place, { throwIfNoEntry: false })?.ino;
}

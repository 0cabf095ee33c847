/** Finishes what the death of a process, or of the machine, has left half-done. */
import { lstatSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import type { Journal, StepRecord } from "../history/journal.ts";
import { limits } from "../limits.ts";
import { failedWith } from "../tools/tool-error.ts";
import { carryOut, heldPlace, keptPlace } from "./carry-out.ts";
import type { Confinement, OpenFile } from "./confinement.ts";
import { contentHash } from "./content.ts";
import { splitPath } from "./paths.ts";
import type { StagedStep } from "./planned-view.ts";
import type { Settling } from "./settling.ts";
import type { StateFolder } from "./state-folder.ts";

/** To be called while no process changes the workspace. */
export async function recover(
  files: Confinement,
  state: StateFolder,
  journal: Journal,
  settling: Settling,
): Promise<void> {
  for (const step of journal.unfinished()) {
    if (isDone(step, files, state)) continue;
    takeBackLink(step, files, state);
    try {
      perform(files, state, asPlanned(step, files, journal));
    } catch {
      // Somebody else changed the place since: theirs counts, and the change was never acknowledged.
      journal.forgetStep(step.change.id, step.number);
    }
  }
  for (const step of journal.unfinished()) journal.done(step.change.id, false);
  journal.flush();
  const kernel = kernelRun();
  const before = journal.boot(kernel);
  if (before !== undefined && before !== kernel) rewrite(files, state, journal);
  await settling.attempt();
  state.sweep();
}

/** A rename takes its source away, so what is still there has not been renamed. */
function isDone(step: StepRecord, files: Confinement, state: StateFolder): boolean {
  switch (step.op) {
    case "make_directory":
      return false;
    case "write":
      return step.content === undefined
        ? inode(state.temporary.entry(step.temporary ?? "none")) === undefined
        : hashAt(files, step.path) === step.after;
    case "restore":
      return inode(state.trash.entry(step.trash as string)) !== step.inode;
    case "delete":
      return inodeAt(files, step.path) !== step.inode;
    case "move":
      return inodeAt(files, step.from as string) !== step.inode;
  }
}

/** What was given its second name and was not replaced any more is one file with two names, which nothing reads. */
function takeBackLink(step: StepRecord, files: Confinement, state: StateFolder): void {
  if (step.op !== "write" || (step.before === undefined && step.trash === undefined)) return;
  const there = inodeAt(files, step.path);
  if (there === undefined) return;
  for (const second of [keptPlace(step, state), heldPlace(there, state)])
    if (inode(second) === there) unlinkSync(second);
}

/** The step with its content, and with what is now at its place where that is what it was planned for. Throws when it is not. */
function asPlanned(step: StepRecord, files: Confinement, journal: Journal): StagedStep {
  if (step.op !== "write") return step;
  const bytes = journal.content(step);
  const staged = { ...step, ...(bytes ? { bytes } : {}) };
  if (step.before === undefined && step.trash === undefined) return staged;
  using file = files.file(step.path);
  const same =
    step.before === undefined ? file.stats.size === step.beforeSize : hashOf(file) === step.before;
  if (!same) throw new Error(`"${step.path}" has changed`);
  return { ...staged, found: file.stats };
}

/**
 * After a power cut, files that were carried out may be empty or missing: those that nobody has touched since the machine is
 * up again get the content that the journal has for them.
 */
function rewrite(files: Confinement, state: StateFolder, journal: Journal): void {
  const up = Date.now() - uptime() * 1000;
  const last = new Map<string, StepRecord>();
  for (const step of journal.unsettled()) {
    if (step.op === "make_directory") perform(files, state, step);
    const bytes = journal.content(step);
    if (step.op !== "write" || !bytes) continue;
    keepObject(state, last.get(step.path), journal);
    last.set(step.path, step);
  }
  for (const step of last.values()) {
    const bytes = journal.content(step) as Buffer;
    try {
      using file = files.file(step.path);
      const hash = hashOf(file);
      if (hash === step.after) continue;
      if (file.stats.mtimeMs > up) {
        // An edit since then counts; the lost content stays a version.
        keepObject(state, step, journal);
        continue;
      }
      const { before, trash, ...plain } = step;
      perform(files, state, { ...plain, bytes, before: hash, found: file.stats });
    } catch (error) {
      if (!failedWith(error, "ENOENT")) continue;
      const { before, ...created } = step;
      perform(files, state, { ...created, bytes });
    }
  }
}

/** Keeps the content of a write that a later one has replaced. */
function keepObject(state: StateFolder, step: StepRecord | undefined, journal: Journal): void {
  const bytes = step && journal.content(step);
  if (!step?.after || !bytes) return;
  const place = state.object(step.after);
  try {
    if (contentHash(readFileSync(place)) === step.after) return;
  } catch (error) {
    if (!failedWith(error, "ENOENT")) throw error;
  }
  writeFileSync(place, bytes, { mode: 0o600 });
}

function perform(files: Confinement, state: StateFolder, step: StagedStep): void {
  const { directories } = carryOut(files, state, [step]);
  for (const directory of directories.values()) directory[Symbol.dispose]();
}

/** Names this run of the machine's kernel; a power cut ends it. */
function kernelRun(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return String(Math.round((Date.now() / 1000 - uptime()) / 60));
  }
}

function hashAt(files: Confinement, path: string): string | undefined {
  try {
    using file = files.file(path);
    return hashOf(file);
  } catch {
    return undefined;
  }
}

function hashOf(file: OpenFile): string | undefined {
  return file.stats.size <= limits.write ? contentHash(readFileSync(file.fd)) : undefined;
}

function inodeAt(files: Confinement, path: string): number | undefined {
  const { directory, name } = splitPath(path);
  try {
    using pinned = files.directory(directory);
    return inode(pinned.entry(name));
  } catch {
    return undefined;
  }
}

function inode(place: string): number | undefined {
  return lstatSync(place, { throwIfNoEntry: false })?.ino;
}

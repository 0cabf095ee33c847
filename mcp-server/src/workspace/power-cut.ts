/**
 * After a power cut, files that were written may be empty, torn, missing or what they were before: the journal has what was
 * acknowledged and writes it again. What somebody has put there since counts more; what looks lost and is replaced all the same
 * becomes a version, so that a wrong guess loses nothing.
 */
import { readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import type { StepRecord } from "../history/journal.ts";
import { failedWith } from "../tools/tool-error.ts";
import { carryOut } from "./carry-out.ts";
import type { OpenFile } from "./confinement.ts";
import { contentHash } from "./content.ts";
import { hashOf, takeBackLink } from "./half-done.ts";
import { splitPath } from "./paths.ts";
import type { StagedStep } from "./planned-view.ts";
import type { Remains } from "./recover.ts";
import { isTheirs } from "./settling.ts";
import type { StateFolder } from "./state-folder.ts";

/** A write that the journal has the content of. */
interface Logged {
  step: StepRecord;
  bytes: Buffer;
  /** The step has not been done: its place and the version that it kept were one file. */
  undone: boolean;
}

/** `steps`: writes whose contents the journal has, and new folders, oldest first. Throws the system's error on a full disk. */
export async function rewrite(steps: readonly StepRecord[], remains: Remains): Promise<void> {
  const { files, state, journal, reserve } = remains;
  const writes: Logged[] = [];
  for (const step of steps) {
    if (step.op === "make_directory") {
      leaveTheirs(() => makeDirectories(step.path, remains));
      continue;
    }
    const bytes = journal.content(step);
    // Before anything is written into what may have two names.
    if (bytes) writes.push({ step, bytes, undone: takeBackLink(step, files, state) });
  }
  for (const ofPath of Map.groupBy(writes, ({ step }) => step.path).values()) {
    // The contents that later ones have replaced are versions; the last one becomes one where it loses its place.
    if (await rewriteFile(ofPath, remains)) ofPath.pop();
    reserve.use(() => {
      for (const lost of ofPath) keepObject(lost, state);
    });
  }
}

/** Returns whether the place has the last content then. */
async function rewriteFile(writes: readonly Logged[], remains: Remains): Promise<boolean> {
  const { step, bytes } = writes.at(-1) as Logged;
  const { before, ...plain } = step;
  const created: StagedStep = { ...plain, bytes };
  try {
    using file = remains.files.file(step.path);
    const hash = hashOf(file);
    if (hash === step.after) return true;
    const versions = writes.flatMap((one) => [one.step.before, one.step.after]);
    if (hash === undefined || isEdit(file, versions.includes(hash), writes)) return false;
    const replacing = { ...created, before: hash, found: file.stats };
    if (versions.includes(hash)) perform(replacing, remains);
    else await performAsChange(replacing, remains);
    return true;
  } catch (error) {
    if (!failedWith(error, "ENOENT")) {
      if (isTheirs(error)) return false;
      throw error;
    }
  }
  return leaveTheirs(() => {
    makeDirectories(splitPath(step.path).directory, remains);
    perform(created, remains);
  });
}

/**
 * Whether somebody has changed the file after it was written, and not the power cut. The time of the file says so, except that a
 * torn one has the time of its writing. A file that a copy or an archive has put there keeps an old time of modification, but
 * not of change; the link that keeps a version sets the latter as well.
 */
function isEdit(file: OpenFile, isVersion: boolean, writes: readonly Logged[]): boolean {
  if (writes.some(({ undone }) => undone)) return false;
  const { mtimeMs, ctimeMs, size } = file.stats;
  const changed = Math.floor(isVersion ? mtimeMs : Math.max(mtimeMs, ctimeMs));
  const { change } = (writes.at(-1) as Logged).step;
  if (changed <= change.time) return false;
  if (isVersion && size > 0) return true;
  const found = Buffer.alloc(size);
  readSync(file.fd, found, 0, size, 0);
  return !writes.some(({ bytes }) => isTorn(found, bytes));
}

/** Whether this is what is left of a content of which only some blocks have reached the disk. */
function isTorn(found: Buffer, whole: Buffer): boolean {
  return (
    found.length <= whole.length && found.every((byte, at) => byte === 0 || byte === whole[at])
  );
}

/** What is replaced becomes a version, by a change that says why. */
async function performAsChange(step: StagedStep, remains: Remains): Promise<void> {
  const { journal } = remains;
  const { bytes, found, content: _, ...plain } = step;
  const recorded = {
    ...plain,
    beforeSize: found?.size ?? 0,
    beforeMode: (found?.mode ?? 0) & 0o7777,
  };
  const id = await journal.begin(
    {
      time: Date.now(),
      tool: "recovery",
      token: "server",
      reason: "Written again after a power cut. What was there is the version before.",
    },
    [recorded],
    new Map(bytes ? [[0, bytes]] : []),
  );
  try {
    perform(step, remains);
  } catch (error) {
    journal.forget(id);
    throw error;
  }
  journal.done(id, false);
}

/** Returns whether `act` was done; false when somebody else has something in the place. */
function leaveTheirs(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (isTheirs(error)) return false;
    throw error;
  }
}

/** Keeps a content as a version. */
function keepObject({ step, bytes }: Logged, state: StateFolder): void {
  if (step.after === undefined) return;
  const place = state.object(step.after);
  try {
    if (contentHash(readFileSync(place)) === step.after) return;
  } catch (error) {
    if (!failedWith(error, "ENOENT")) throw error;
  }
  rmSync(place, { force: true });
  writeFileSync(place, bytes, { mode: 0o600 });
}

/** Also the folders above, which other programs may have made shortly before. */
function makeDirectories(path: string, remains: Remains): void {
  if (path === ".") return;
  makeDirectories(splitPath(path).directory, remains);
  perform({ op: "make_directory", path }, remains);
}

function perform(step: StagedStep, { files, state, reserve }: Remains): void {
  reserve.use(() => {
    const { directories } = carryOut(files, state, [step]);
    for (const directory of directories.values()) directory[Symbol.dispose]();
  });
}

/** Finishes what the death of a process, or of the machine, has left half-done. */
import { readFileSync, rmdirSync } from "node:fs";
import { uptime } from "node:os";
import type { Journal, StepRecord } from "../history/journal.ts";
import { carryOut } from "./carry-out.ts";
import type { Confinement } from "./confinement.ts";
import { asPlanned, isDone, takeBackLink } from "./half-done.ts";
import { splitPath } from "./paths.ts";
import type { StagedStep } from "./planned-view.ts";
import { rewrite } from "./power-cut.ts";
import type { Reserve } from "./reserve.ts";
import { isTheirs, type Settling } from "./settling.ts";
import type { StateFolder } from "./state-folder.ts";

/** What recovery works on. */
export interface Remains {
  files: Confinement;
  state: StateFolder;
  journal: Journal;
  reserve: Reserve;
}

/**
 * To be called while no process changes the workspace. Throws the system's error when the disk does not let it finish; all of
 * it is then done by the next call.
 */
export async function recover(
  remains: Remains,
  settling: Settling,
  mountedFile?: string,
): Promise<void> {
  const { state, journal } = remains;
  const run = runOf(mountedFile);
  const before = journal.lastBoot();
  // What is marked as done without being synced may have lost its mark together with its data.
  const cut = before !== undefined && before !== run;
  const changes = Map.groupBy(journal.unfinished(), ({ change }) => change.id);
  for (const [id, steps] of changes) if (!(cut && isLogged(steps))) finish(id, steps, remains);
  if (cut) await rewrite(journal.open().filter(isLogged).flat(), remains);
  for (const step of journal.unfinished()) journal.done(step.change.id, false);
  journal.flush();
  if (before !== run) journal.boot(run);
  await settling.attempt();
  state.sweep();
}

/** Whether the journal has all that a change puts into the workspace: nobody waited for its files to be durable. */
function isLogged(steps: readonly StepRecord[]): boolean {
  return steps.every(({ op, content }) => op === "make_directory" || content !== undefined);
}

/** All or nothing, as long as nothing is done: nobody was told of it. What is half-done goes as far as it can. */
function finish(id: number, steps: readonly StepRecord[], remains: Remains): void {
  const { files, state, journal, reserve } = remains;
  const done = (step: StepRecord) => isDone(step, files, state);
  const first = steps.findIndex((step) => !done(step));
  if (first < 0) return;
  const rest = steps.slice(first);
  for (const step of rest) takeBackLink(step, files, state);
  const planned = (step: StepRecord) => asPlanned(step, files, journal);
  try {
    reserve.use(() => perform(rest.map(planned), remains));
    return;
  } catch (error) {
    if (!steps.some((step) => step.op !== "make_directory" && done(step))) {
      for (const step of steps.toReversed()) if (step.op === "make_directory") unmake(step, files);
      journal.forget(id);
      return;
    }
    if (!isTheirs(error)) throw error;
  }
  for (const step of rest) {
    if (done(step)) continue;
    try {
      reserve.use(() => perform([planned(step)], remains));
    } catch (error) {
      if (!isTheirs(error)) throw error;
      // Somebody else has changed the place since: theirs counts.
      journal.forgetStep(id, step.number);
    }
  }
}

function perform(steps: readonly StagedStep[], { files, state }: Remains): void {
  const { directories } = carryOut(files, state, steps);
  for (const directory of directories.values()) directory[Symbol.dispose]();
}

/** Takes a folder away that a forgotten change has made, unless something is in it. */
function unmake({ path }: StepRecord, files: Confinement): void {
  const { directory, name } = splitPath(path);
  try {
    using pinned = files.directory(directory);
    rmdirSync(pinned.entry(name));
  } catch {
    // Never made, or in use by now.
  }
}

/**
 * Names the time for which what was written is there, synced or not: a run of the machine's kernel, and within it one mount of the
 * disk, where somebody says which. Power cuts end the former, a disk that went away and came back only the latter.
 */
function runOf(mountedFile: string | undefined): string {
  if (mountedFile === undefined) return kernelRun();
  try {
    return `${kernelRun()} ${readFileSync(mountedFile, "utf8").trim()}`;
  } catch {
    // Nobody has said it yet.
    return kernelRun();
  }
}

function kernelRun(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return String(Math.round((Date.now() / 1000 - uptime()) / 60));
  }
}

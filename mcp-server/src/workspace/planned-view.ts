/** The workspace as the steps of a planned change leave it, before any of them is carried out. */
import { lstatSync, readdirSync, type Stats } from "node:fs";
import type { Step } from "../history/journal.ts";
import { failedWith } from "../tools/tool-error.ts";
import type { Confinement } from "./confinement.ts";
import { isWithin, joinPath, STATE, splitPath } from "./paths.ts";

/** A step with what is needed to carry it out. */
export interface StagedStep extends Step {
  /** write: the content; missing where a large copy lies in the unfinished file already. */
  bytes?: Buffer;
  /** What was at the path when the step was planned; undefined: nothing, or what an earlier step puts there. */
  found?: Stats;
  /** move: the step of this change that writes what is moved. */
  moves?: StagedStep;
}

export type Seen =
  | { kind: "absent" }
  | { kind: "folder" }
  | { kind: "link"; at: string; stats: Stats }
  | { kind: "special"; at: string; stats: Stats }
  | { kind: "file"; at: string; stats: Stats }
  | { kind: "written"; step: StagedStep };

/** Entries of a folder that are counted for its size. */
const MOST_COUNTED = 5_000;

export class PlannedView {
  readonly steps: StagedStep[] = [];
  readonly #files: Confinement;

  constructor(files: Confinement) {
    this.#files = files;
  }

  /** What is at a path. */
  see(path: string): Seen {
    let at = path;
    for (const step of this.steps.toReversed()) {
      if (step.op === "write" && step.path === at) return { kind: "written", step };
      if (step.op === "make_directory" && step.path === at) return { kind: "folder" };
      if (step.op === "restore" && isWithin(at, step.path)) {
        at = trashed(step, at);
        break;
      }
      if (step.op === "delete" && isWithin(at, step.path)) return { kind: "absent" };
      if (step.op === "move") {
        if (isWithin(at, step.path)) at = `${step.from as string}${at.slice(step.path.length)}`;
        else if (isWithin(at, step.from as string)) return { kind: "absent" };
      }
    }
    if (at === ".") return { kind: "folder" };
    const { directory, name } = splitPath(at);
    let stats: Stats;
    try {
      using pinned = this.#files.directory(directory);
      stats = lstatSync(pinned.entry(name));
    } catch (error) {
      if (failedWith(error, "ENOENT")) return { kind: "absent" };
      throw error;
    }
    if (stats.isDirectory()) return { kind: "folder" };
    if (stats.isSymbolicLink()) return { kind: "link", at, stats };
    return { kind: stats.isFile() ? "file" : "special", at, stats };
  }

  /** Where a folder really is before this change is carried out; undefined when the change makes it. */
  physical(path: string): string | undefined {
    let at = path;
    for (const step of this.steps.toReversed()) {
      if (step.op === "make_directory" && step.path === at) return undefined;
      if (step.op === "restore" && isWithin(at, step.path)) return trashed(step, at);
      if (step.op === "move" && isWithin(at, step.path))
        at = `${step.from as string}${at.slice(step.path.length)}`;
    }
    return at;
  }

  /** What the system says of a folder; undefined when the change makes it. */
  folderStats(path: string): Stats | undefined {
    const at = this.physical(path);
    if (at === undefined) return undefined;
    const { directory, name } = splitPath(at);
    using pinned = this.#files.directory(directory);
    return lstatSync(pinned.entry(name));
  }

  /** Bytes of the files in a folder; of very many entries only the first are counted. */
  folderSize(path: string): number {
    let size = 0;
    let entries = 0;
    const open = [this.physical(path) ?? path];
    for (let one = open.pop(); one !== undefined && entries < MOST_COUNTED; one = open.pop()) {
      using directory = this.#files.directory(one);
      for (const entry of readdirSync(directory.entry("."), { withFileTypes: true })) {
        if (++entries > MOST_COUNTED) break;
        if (entry.isDirectory()) open.push(joinPath(one, entry.name));
        else size += lstatSync(directory.entry(entry.name)).size;
      }
    }
    return size;
  }

  /** Whether a folder has nothing in it as the steps so far leave it. */
  isEmpty(path: string): boolean {
    if (
      this.steps.some(
        (step) => step.path.startsWith(`${path}/`) && this.see(step.path).kind !== "absent",
      )
    )
      return false;
    const physical = this.physical(path);
    if (physical === undefined) return true;
    using directory = this.#files.directory(physical);
    return directory
      .entries()
      .every((entry) => this.see(joinPath(path, entry.name)).kind === "absent");
  }
}

/** Where something below a folder that is to be restored still is. */
function trashed(step: Step, path: string): string {
  return `${STATE}/trash/${step.trash}${path.slice(step.path.length)}`;
}

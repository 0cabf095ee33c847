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
  /** move, delete: the step of this change that writes what is taken. */
  moves?: StagedStep;
}

export type Seen =
  | { kind: "absent" }
  | { kind: "folder" }
  | { kind: "link"; at: string; stats: Stats }
  | { kind: "special"; at: string; stats: Stats }
  | { kind: "file"; at: string; stats: Stats }
  /** `direct`: nothing has been moved since the step wrote it. */
  | { kind: "written"; step: StagedStep; direct: boolean };

/** Entries of a folder that are counted for its size. */
const MOST_COUNTED = 5_000;

/** Where something is before the change is carried out, or the step that puts it there; undefined: nowhere. */
type Origin = { at: string } | { step: StagedStep; direct: boolean } | undefined;

export class PlannedView {
  /** By the number that gives their order. */
  readonly #steps = new Map<number, StagedStep>();
  readonly #numbers = new Map<StagedStep, number>();
  /** Numbers of the writes and new folders of a path, ascending. */
  readonly #placed = new Map<string, number[]>();
  /** Numbers of the moves, deletes and restores, which concern whatever is below their paths, ascending. */
  readonly #shifts: number[] = [];
  readonly #files: Confinement;
  #last = 0;

  constructor(files: Confinement) {
    this.#files = files;
  }

  /** In the order in which they are carried out. */
  get steps(): StagedStep[] {
    return [...this.#steps.values()];
  }

  get size(): number {
    return this.#steps.size;
  }

  add(step: StagedStep): void {
    const number = ++this.#last;
    this.#steps.set(number, step);
    this.#numbers.set(step, number);
    if (isShift(step)) this.#shifts.push(number);
    else this.#placed.set(step.path, [...(this.#placed.get(step.path) ?? []), number]);
  }

  /** Puts a write of the same path in the place of one. */
  replace(old: StagedStep, step: StagedStep): void {
    const number = this.#numbers.get(old) as number;
    this.#steps.set(number, step);
    this.#numbers.delete(old);
    this.#numbers.set(step, number);
  }

  /** Takes a write or a new folder back. */
  remove(step: StagedStep): void {
    const number = this.#numbers.get(step) as number;
    this.#steps.delete(number);
    this.#numbers.delete(step);
    const rest = this.#placed.get(step.path)?.filter((one) => one !== number) ?? [];
    if (rest.length > 0) this.#placed.set(step.path, rest);
    else this.#placed.delete(step.path);
  }

  clear(): void {
    this.#steps.clear();
    this.#numbers.clear();
    this.#placed.clear();
    this.#shifts.length = 0;
  }

  /** The step of this change that put something into the trash under a name. */
  deletion(trash: string): StagedStep | undefined {
    const number = this.#deletion(trash, Number.POSITIVE_INFINITY);
    return number === undefined ? undefined : this.#steps.get(number);
  }

  /** What is at a path. */
  see(path: string): Seen {
    const origin = this.#origin(path);
    if (origin === undefined) return { kind: "absent" };
    if ("step" in origin) {
      return origin.step.op === "write" ? { kind: "written", ...origin } : { kind: "folder" };
    }
    const { at } = origin;
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
    const origin = this.#origin(path);
    return origin && "at" in origin ? origin.at : undefined;
  }

  /** Follows a path back through the steps, from the last one on. */
  #origin(path: string): Origin {
    let at = path;
    let bound = Number.POSITIVE_INFINITY;
    let direct = true;
    for (;;) {
      const placed = this.#placed.get(at)?.findLast((number) => number < bound) ?? 0;
      const shift = this.#shifts.findLast(
        (number) => number < bound && (number <= placed || this.#shiftOf(number, at)),
      );
      if (shift === undefined || shift <= placed) {
        if (placed === 0) return { at };
        return { step: this.#steps.get(placed) as StagedStep, direct };
      }
      const step = this.#steps.get(shift) as StagedStep;
      bound = shift;
      direct = false;
      if (!isWithin(at, step.path)) return undefined;
      const rest = at.slice(step.path.length);
      if (step.op === "delete") return undefined;
      if (step.op === "move") at = `${step.from as string}${rest}`;
      else {
        const deletion = this.#deletion(step.trash as string, bound);
        if (deletion === undefined) return { at: `${STATE}/trash/${step.trash}${rest}` };
        at = `${(this.#steps.get(deletion) as StagedStep).path}${rest}`;
        bound = deletion;
      }
    }
  }

  /** Whether a move, delete or restore decides what is at a path. */
  #shiftOf(number: number, path: string): boolean {
    const step = this.#steps.get(number) as StagedStep;
    return isWithin(path, step.path) || (step.op === "move" && isWithin(path, step.from as string));
  }

  #deletion(trash: string, bound: number): number | undefined {
    return this.#shifts.findLast((number) => {
      const step = this.#steps.get(number);
      return number < bound && step?.op === "delete" && step.trash === trash;
    });
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
    const below = `${path}/`;
    for (const step of this.#steps.values())
      if (step.path.startsWith(below) && this.see(step.path).kind !== "absent") return false;
    const physical = this.physical(path);
    if (physical === undefined) return true;
    using directory = this.#files.directory(physical);
    return directory
      .entries()
      .every((entry) => this.see(joinPath(path, entry.name)).kind === "absent");
  }
}

function isShift({ op }: StagedStep): boolean {
  return op === "move" || op === "delete" || op === "restore";
}

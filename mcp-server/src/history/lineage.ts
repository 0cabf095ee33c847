/** All that a path has been, read back step by step from the journal: through moves, and past what other programs did. */
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement } from "../workspace/confinement.ts";
import type { Contents } from "../workspace/content.ts";
import { isWithin } from "../workspace/paths.ts";
import type { StateFolder } from "../workspace/state-folder.ts";
import { type Cursor, FOUND_TOLD, PRESENT_TOLD, STEP_TOLD, type Told } from "./cursor.ts";
import type { StepRecord } from "./journal.ts";
import { newestFirst, type Position, positionOf, type Records, START } from "./records.ts";
import { outsideVersion, recordedVersion, type Version } from "./version.ts";

/** A version, and where in the journal it is told of. */
export interface Telling {
  at: Position;
  told: Told;
  /** The step there; missing at the end. */
  step?: StepRecord;
  /** The next newer step that wrote or deleted the file. */
  newer?: StepRecord | undefined;
  mode?: number | undefined;
  /** Made when it is wanted, since it looks whether content is kept. */
  version: () => Version;
}

export interface Present {
  etag: string;
  size: number;
  time: number;
}

/** Version that is in the file now, when it was not made by the server. */
const PRESENT = "present";
/** Ends the name of the version that a change found. */
const FOUND = "-before";

export class Lineage {
  readonly #files: Confinement;
  readonly #state: StateFolder;
  readonly #records: Records;
  readonly #contents: Contents;

  constructor(files: Confinement, state: StateFolder, records: Records, contents: Contents) {
    this.#files = files;
    this.#state = state;
    this.#records = records;
    this.#contents = contents;
  }

  /** Versions of a path, newest first, read step by step from the journal; those that come after one. */
  *of(path: string, after?: Cursor): Generator<Telling> {
    const present = this.present(path);
    let current = after ? this.#nameAt(path, after.start) : path;
    let before = after?.start ?? START;
    let newer: StepRecord | undefined;
    let first = after === undefined;
    let toldFound = false;
    const isAfter = (at: Position, told: Told) => {
      const order = after ? newestFirst(after.at, at) : -1;
      return order < 0 || (order === 0 && told > (after as Cursor).told);
    };
    for (let renamed = true; renamed; ) {
      renamed = false;
      for (const step of this.#records.walk(ancestry(current), before)) {
        const at = positionOf(step);
        before = at;
        if (!concerns(step, current)) continue;
        const etag = step.path === current ? step.after : undefined;
        if (first && present && present.etag !== etag) yield unrecorded(path, present, at);
        first = false;
        const expected = newer?.before;
        if (newer && !toldFound && expected !== undefined && etag !== undefined) {
          toldFound = expected !== etag;
          if (toldFound && isAfter(at, FOUND_TOLD)) yield this.#found(newer, current, at, step);
        }
        // Earlier steps of the same change on the same path led to states that nobody saw.
        if (newer?.change.id !== step.change.id || newer.path !== step.path) {
          if (isAfter(at, STEP_TOLD)) yield this.#told(step, current, newer, present?.etag);
        }
        if (changesContent(step)) {
          newer = step;
          toldFound = false;
        }
        if (step.op === "move" && isWithin(current, step.path)) {
          current = nameBefore(step.path, step.from as string, current);
          renamed = true;
          break;
        }
      }
    }
    if (newer?.before !== undefined && newer.op === "write" && !toldFound)
      yield this.#found(newer, current, before);
    else if (first && present) yield unrecorded(path, present, before);
  }

  /** A version of a path by its name: goes to the change that it is named by. */
  find(path: string, version: string): Telling | undefined {
    if (version === PRESENT) {
      const { value } = this.of(path).next();
      return value?.told === PRESENT_TOLD ? value : undefined;
    }
    const named = /^([1-9]\d{0,14})(-before)?$/.exec(version);
    if (!named) return undefined;
    const [id, told] = [Number(named[1]), named[2] === undefined ? STEP_TOLD : FOUND_TOLD];
    const start = { change: id + 1, number: 0 };
    const after = { start, at: start, told: STEP_TOLD };
    for (const one of this.of(path, after)) {
      const { step, newer } = one;
      if (one.told === told && (told === STEP_TOLD ? step : newer)?.change.id === id) return one;
      // What a change found is told of where the write before it is, at the latest.
      if (one.at.change < id && (told === STEP_TOLD || (step && changesContent(step))))
        return undefined;
    }
    return undefined;
  }

  /** What is in the file now; undefined: there is none, or none that may be read. */
  present(path: string): Present | undefined {
    try {
      using file = this.#files.file(path);
      return {
        etag: this.#contents.etag(file),
        size: file.stats.size,
        time: file.stats.mtimeMs,
      };
    } catch (error) {
      if (error instanceof ToolError || failedWith(error, "ENOENT", "ENOTDIR", "EISDIR"))
        return undefined;
      throw error;
    }
  }

  /** What a path was called before a step, by the moves since. */
  #nameAt(path: string, since: Position): string {
    let [current, before] = [path, START];
    for (;;) {
      const move = this.#records.lastMove(ancestry(current), before, since);
      if (!move) return current;
      current = nameBefore(move.path, move.from, current);
      before = move;
    }
  }

  #told(step: StepRecord, path: string, newer: StepRecord | undefined, present?: string): Telling {
    return {
      at: positionOf(step),
      told: STEP_TOLD,
      step,
      newer,
      mode: step.mode,
      version: () => recordedVersion(this.#state, step, path, present),
    };
  }

  /** What a step found in the file, told of at an earlier step or, without one, at the end. */
  #found(newer: StepRecord, path: string, at: Position, step?: StepRecord): Telling {
    const { before, beforeSize, beforeMode, change } = newer;
    return {
      at,
      told: FOUND_TOLD,
      ...(step ? { step } : {}),
      newer,
      mode: beforeMode,
      version: () => ({
        ...outsideVersion(`${change.id}${FOUND}`, path, change.time),
        ...(before === undefined ? {} : { etag: before }),
        ...(beforeSize === undefined ? {} : { size: beforeSize }),
        available: before !== undefined && this.#state.has(before),
      }),
    };
  }
}

/** Where to go on after what was told. */
export function cursorAfter({ at, told, step, newer }: Telling): Cursor {
  const last = told === STEP_TOLD && step && changesContent(step) ? step : newer;
  const { change, number } = last ? positionOf(last) : at;
  return { start: { change, number: number + 1 }, at, told };
}

/** A path and the folders above it, which may have been moved or deleted with it. */
export function ancestry(path: string): string[] {
  const paths = [path];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
    paths.push(path.slice(0, at));
  return paths;
}

/** Making the folders above a file does not concern the file. */
export function concerns(step: StepRecord, path: string): boolean {
  return step.path === path || step.from === path || step.op !== "make_directory";
}

/** What a move has called otherwise since. */
function nameBefore(to: string, from: string, path: string): string {
  return `${from}${path.slice(to.length)}`;
}

function changesContent({ op }: StepRecord): boolean {
  return op === "write" || op === "delete";
}

/** What is in the file now and was not put there by the server. */
function unrecorded(path: string, { etag, size, time }: Present, at: Position): Telling {
  const version = { ...outsideVersion(PRESENT, path, time), etag, size, available: true };
  return { at, told: PRESENT_TOLD, version: () => version };
}

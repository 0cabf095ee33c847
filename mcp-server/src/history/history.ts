/** What happened to files: versions, who made them, and the way back. */
import { readFileSync } from "node:fs";
import { limits } from "../limits.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement } from "../workspace/confinement.ts";
import { type Contents, contentHash } from "../workspace/content.ts";
import { isWithin } from "../workspace/paths.ts";
import type { StateFolder } from "../workspace/state-folder.ts";
import type { Journal, Operation, StepRecord } from "./journal.ts";
import { newestFirst, type Position, positionOf, type Records, START } from "./records.ts";

/** One state of a file, and how it came to be. */
export interface Version {
  /** Names it for `content`. */
  version: string;
  /** Change that made it, for `Undo.stage`; missing for what was made outside the server. */
  change?: string;
  /** ISO 8601. */
  time: string;
  /** "outside": the file was found changed by another program. */
  op: Operation | "outside";
  /** Workspace-relative; what the file was called then. */
  path: string;
  /** move: what it was called before. */
  from?: string;
  tool?: string;
  token?: string;
  user?: string;
  chat?: string;
  message?: string;
  reason?: string;
  etag?: string;
  /** Bytes. */
  size?: number;
  /** Whether its content is still kept. */
  available: boolean;
}

export interface Versions {
  /** Newest first. */
  versions: Version[];
  /** Give it as `before` to go on. */
  next?: string;
}

/** What one step has to tell of a path, in the order from new to old. */
type Told = typeof PRESENT_TOLD | typeof FOUND_TOLD | typeof STEP_TOLD;

/** A version, and where in the journal it is told of. */
interface Telling {
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

/** The version after which to go on, and the step before which reading starts so that what is told of it comes out the same. */
interface Cursor {
  start: Position;
  at: Position;
  told: Told;
}

interface Present {
  etag: string;
  size: number;
  time: number;
}

const [PRESENT_TOLD, FOUND_TOLD, STEP_TOLD] = [0, 1, 2] as const;
/** Version that is in the file now, when it was not made by the server. */
const PRESENT = "present";
/** Ends the name of the version that a change found. */
const FOUND = "-before";

export class History {
  readonly #files: Confinement;
  readonly #state: StateFolder;
  readonly #records: Records;
  readonly #contents: Contents;

  constructor(files: Confinement, state: StateFolder, journal: Journal, contents: Contents) {
    this.#files = files;
    this.#state = state;
    this.#records = journal.records;
    this.#contents = contents;
  }

  /** Versions of one file or folder, also under the names it had before. `limit` defaults to 50. */
  of(path: string, options: { before?: string; limit?: number } = {}): Versions {
    const limit = options.limit ?? 50;
    const after = options.before === undefined ? undefined : cursorFrom(options.before);
    const tellings = [...this.#tellings(path, after).take(limit + 1)];
    const last = tellings[limit - 1];
    return {
      versions: tellings.slice(0, limit).map((one) => one.version()),
      ...(tellings.length > limit && last ? { next: cursorOf(last) } : {}),
    };
  }

  /**
   * The newest steps of all changes, of a project's or of a chat's. `gone`: the project is a folder that is no longer there, and
   * what became of it and of the folders above belongs to it. `limit` defaults to 50.
   */
  recent(
    options: {
      project?: string;
      chat?: string;
      gone?: boolean;
      before?: string;
      limit?: number;
    } = {},
  ): Versions {
    const { project, chat, gone = false, limit = 50 } = options;
    const before = options.before === undefined ? START : positionFrom(options.before);
    const steps = this.#recent(project, chat, gone, before, limit + 1);
    const last = steps[limit - 1];
    return {
      versions: steps.slice(0, limit).map((step) => this.#version(step)),
      ...(steps.length > limit && last ? { next: spelled(positionOf(last)) } : {}),
    };
  }

  /** Whether a path at which nothing is any more was a folder when something was there last. */
  wasFolder(path: string): boolean {
    if (this.#present(path)) return false;
    const [last] = this.#records.at([path], START, 1);
    return last?.folder ?? (last === undefined && this.#records.hasBelow(path));
  }

  /** Places that one change, or a chat, has touched. */
  touched(what: { change: string } | { chat: string }): Set<string> {
    return this.#records.touched("chat" in what ? what : { change: numberFrom(what.change) });
  }

  /** A version of a path; undefined when it has none of that name. */
  version(path: string, version: string): Version | undefined {
    return this.#find(path, version)?.version();
  }

  /** Content of a version of a file. Throws ToolError when there is no such version or it is no longer kept. */
  content(path: string, version: string): { bytes: Buffer; etag: string; mode?: number } {
    const found = this.#find(path, version);
    if (!found) {
      throw new ToolError(
        `"${path}" has no version "${version}". history shows the versions it has.`,
      );
    }
    const { etag, available } = found.version();
    if (etag === undefined || !available) {
      throw new ToolError(
        `Version ${version} of "${path}" is ${etag === undefined ? "no file content" : "no longer kept"}. history shows which are available.`,
      );
    }
    const mode = found.mode === undefined ? {} : { mode: found.mode };
    if (this.#present(path)?.etag !== etag) return { bytes: this.kept(etag), etag, ...mode };
    using file = this.#files.file(path);
    return { bytes: this.#contents.read(file, limits.write).bytes, etag, ...mode };
  }

  #recent(
    project: string | undefined,
    chat: string | undefined,
    gone: boolean,
    before: Position,
    limit: number,
  ): StepRecord[] {
    if (chat !== undefined) return this.#records.ofChat(chat, project, before, limit);
    if (!gone || project === undefined) return this.#records.recent(project, before, limit);
    const steps = this.#records.walk(ancestry(project), before, project);
    return [
      ...steps
        .filter((step) => isWithin(step.path, project) || concerns(step, project))
        .take(limit),
    ];
  }

  /** Goes to the change that a version is named by. */
  #find(path: string, version: string): Telling | undefined {
    if (version === PRESENT) {
      const { value } = this.#tellings(path).next();
      return value?.told === PRESENT_TOLD ? value : undefined;
    }
    const named = /^([1-9]\d{0,14})(-before)?$/.exec(version);
    if (!named) return undefined;
    const [id, told] = [Number(named[1]), named[2] === undefined ? STEP_TOLD : FOUND_TOLD];
    const start = { change: id + 1, number: 0 };
    const after = { start, at: start, told: STEP_TOLD };
    for (const one of this.#tellings(path, after)) {
      const { step, newer } = one;
      if (one.told === told && (told === STEP_TOLD ? step : newer)?.change.id === id) return one;
      // What a change found is told of where the write before it is, at the latest.
      if (one.at.change < id && (told === STEP_TOLD || (step && changesContent(step))))
        return undefined;
    }
    return undefined;
  }

  /** Versions of a path, newest first, read step by step from the journal; those that come after one. */
  *#tellings(path: string, after?: Cursor): Generator<Telling> {
    const present = this.#present(path);
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

  #present(path: string): Present | undefined {
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

  #version(step: StepRecord, present?: string, path = step.path): Version {
    const { id, time, ...who } = step.change;
    const whole = step.path === path;
    return {
      version: String(id),
      change: String(id),
      time: new Date(time).toISOString(),
      op: step.op,
      path: whole || step.op !== "move" ? path : step.path,
      ...(step.from === undefined ? {} : { from: step.from }),
      ...who,
      ...(whole && step.after !== undefined ? { etag: step.after } : {}),
      ...(whole && step.size !== undefined ? { size: step.size } : {}),
      available:
        whole &&
        step.after !== undefined &&
        (step.after === present || this.#state.has(step.after)),
    };
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
      version: () => this.#version(step, present, path),
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
        ...outside(`${change.id}${FOUND}`, path, change.time),
        ...(before === undefined ? {} : { etag: before }),
        ...(beforeSize === undefined ? {} : { size: beforeSize }),
        available: before !== undefined && this.#state.has(before),
      }),
    };
  }

  /** The kept content with that hash. Throws ToolError when it is no longer kept or was damaged. */
  kept(hash: string): Buffer {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#state.object(hash));
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
      throw new ToolError("The content of that version is no longer kept.");
    }
    if (contentHash(bytes) !== hash) {
      throw new ToolError(
        "The kept content of that version is damaged: it no longer has its hash. Restore it from a backup.",
      );
    }
    return bytes;
  }
}

/** A path and the folders above it, which may have been moved or deleted with it. */
function ancestry(path: string): string[] {
  const paths = [path];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
    paths.push(path.slice(0, at));
  return paths;
}

/** Making the folders above a file does not concern the file. */
function concerns(step: StepRecord, path: string): boolean {
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
  const version = { ...outside(PRESENT, path, time), etag, size, available: true };
  return { at, told: PRESENT_TOLD, version: () => version };
}

function outside(version: string, path: string, time: number): Version {
  return { version, time: new Date(time).toISOString(), op: "outside", path, available: false };
}

function cursorOf({ at, told, step, newer }: Telling): string {
  const last = told === STEP_TOLD && step && changesContent(step) ? step : newer;
  const { change, number } = last ? positionOf(last) : at;
  return `${spelled({ change, number: number + 1 })}-${spelled(at)}-${told}`;
}

function cursorFrom(text: string): Cursor {
  const [start = "", at = "", told = "", ...more] = text.split("-");
  if (!/^[012]$/.test(told) || more.length > 0) throw notFromHistory(text);
  return { start: positionFrom(start), at: positionFrom(at), told: Number(told) as Told };
}

function spelled({ change, number }: Position): string {
  return `${change}.${number}`;
}

function positionFrom(text: string): Position {
  const [change = "", number = "", ...more] = text.split(".");
  if (more.length > 0) throw notFromHistory(text);
  return { change: numberFrom(change), number: numberFrom(number) };
}

export function numberFrom(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw notFromHistory(text);
  return Number(text);
}

function notFromHistory(text: string): ToolError {
  return new ToolError(`"${text.slice(0, 40)}" is not from an answer of history.`);
}

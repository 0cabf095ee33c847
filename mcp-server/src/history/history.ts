/** What happened to files: versions, who made them, and the way back. */
import { readFileSync } from "node:fs";
import { limits } from "../limits.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement } from "../workspace/confinement.ts";
import { type Contents, contentHash } from "../workspace/content.ts";
import { isWithin } from "../workspace/paths.ts";
import type { StateFolder } from "../workspace/state-folder.ts";
import type { Journal, Operation, StepRecord } from "./journal.ts";
import type { Position, Records } from "./records.ts";

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

interface Present {
  etag: string;
  size: number;
  time: number;
}

const PAGE = 100;
const START: Position = { change: Number.MAX_SAFE_INTEGER, number: 0 };
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
    const skip = options.before === undefined ? 0 : numberFrom(options.before);
    const versions: Version[] = [];
    let seen = 0;
    for (const version of this.versions(path)) {
      if (seen++ < skip) continue;
      if (versions.length === limit) return { versions, next: String(skip + limit) };
      versions.push(version);
    }
    return { versions };
  }

  /** The newest steps of all changes, of a project's or of a chat's. `limit` defaults to 50. */
  recent(
    options: { project?: string; chat?: string; before?: string; limit?: number } = {},
  ): Versions {
    const limit = options.limit ?? 50;
    const before = options.before === undefined ? START : positionFrom(options.before);
    const steps =
      options.chat === undefined
        ? this.#records.recent(options.project, before, limit + 1)
        : this.#records
            .chat(options.chat)
            .filter((step) => isBefore(step, before) && inProject(step, options.project))
            .slice(0, limit + 1);
    const last = steps[limit - 1];
    return {
      versions: steps.slice(0, limit).map((step) => this.#version(step)),
      ...(steps.length > limit && last ? { next: `${last.change.id}.${last.number}` } : {}),
    };
  }

  /** All steps of one change or of one chat, newest first. */
  doings(what: { change: string } | { chat: string }): Version[] {
    const steps =
      "chat" in what
        ? this.#records.chat(what.chat)
        : this.#records.change(numberFrom(what.change));
    return steps.map((step) => this.#version(step));
  }

  /** Content of a version of a file. Throws ToolError when there is no such version or it is no longer kept. */
  content(path: string, version: string): { bytes: Buffer; etag: string; mode?: number } {
    for (const one of this.versions(path)) {
      if (one.version !== version) continue;
      if (one.etag === undefined || !one.available) {
        throw new ToolError(
          `Version ${version} of "${path}" is ${one.etag === undefined ? "no file content" : "no longer kept"}. history shows which are available.`,
        );
      }
      const present = this.#present(path);
      if (present?.etag === one.etag) {
        using file = this.#files.file(path);
        return { bytes: this.#contents.read(file, limits.write).bytes, etag: one.etag };
      }
      return { bytes: this.kept(one.etag), etag: one.etag };
    }
    throw new ToolError(
      `"${path}" has no version "${version}". history shows the versions it has.`,
    );
  }

  /** Versions of a path, newest first, read step by step from the journal. */
  *versions(path: string): Generator<Version> {
    const present = this.#present(path);
    let current = path;
    let before = START;
    let newer: StepRecord | undefined;
    let first = true;
    for (;;) {
      const steps = this.#records.at(ancestry(current), before, PAGE);
      let renamed = false;
      for (const step of steps) {
        before = { change: step.change.id, number: step.number };
        if (!concerns(step, current)) continue;
        const version = this.#version(step, present?.etag, current);
        if (first && present && present.etag !== version.etag) yield unrecorded(path, present);
        first = false;
        const expected = newer?.before;
        if (
          newer &&
          expected !== undefined &&
          version.etag !== undefined &&
          expected !== version.etag
        )
          yield this.#found(newer, current);
        // Earlier steps of the same change on the same path led to states that nobody saw.
        if (newer?.change.id !== step.change.id || newer.path !== step.path) yield version;
        if (step.op === "write" || step.op === "delete") newer = step;
        if (step.op === "move" && isWithin(current, step.path)) {
          current = `${step.from as string}${current.slice(step.path.length)}`;
          renamed = true;
          break;
        }
      }
      if (!renamed && steps.length < PAGE) break;
    }
    if (newer?.before !== undefined && newer.op === "write") yield this.#found(newer, current);
    else if (first && present) {
      yield unrecorded(path, present);
    }
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

  #found(step: StepRecord, path: string): Version {
    return {
      ...outside(`${step.change.id}${FOUND}`, path, step.change.time),
      ...(step.before === undefined ? {} : { etag: step.before }),
      ...(step.beforeSize === undefined ? {} : { size: step.beforeSize }),
      available: step.before !== undefined && this.#state.has(step.before),
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

/** What is in the file now and was not put there by the server. */
function unrecorded(path: string, { etag, size, time }: Present): Version {
  return { ...outside(PRESENT, path, time), etag, size, available: true };
}

function outside(version: string, path: string, time: number): Version {
  return { version, time: new Date(time).toISOString(), op: "outside", path, available: false };
}

function inProject(step: StepRecord, project: string | undefined): boolean {
  return project === undefined || isWithin(step.path, project);
}

function isBefore(step: StepRecord, before: Position): boolean {
  const { id } = step.change;
  return id < before.change || (id === before.change && step.number < before.number);
}

export function numberFrom(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new ToolError(`"${text.slice(0, 40)}" is not from an answer of history.`);
  return Number(text);
}

function positionFrom(text: string): Position {
  const [change, number] = text.split(".");
  return { change: numberFrom(change ?? ""), number: numberFrom(number ?? "") };
}

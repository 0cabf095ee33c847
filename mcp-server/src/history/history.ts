/** What happened to files: versions, who made them, and the way back. */
import { readFileSync } from "node:fs";
import { limits } from "../limits.ts";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement } from "../workspace/confinement.ts";
import { type Contents, contentHash } from "../workspace/content.ts";
import { isWithin } from "../workspace/paths.ts";
import type { StateFolder } from "../workspace/state-folder.ts";
import { cursorFrom, numberFrom, positionFrom, spelledCursor, spelledPosition } from "./cursor.ts";
import type { Journal, StepRecord } from "./journal.ts";
import { ancestry, concerns, cursorAfter, Lineage } from "./lineage.ts";
import { type Position, positionOf, type Records, START } from "./records.ts";
import { recordedVersion, type Version } from "./version.ts";

export interface Versions {
  /** Newest first. */
  versions: Version[];
  /** Give it as `before` to go on. */
  next?: string;
}

export class History {
  readonly #files: Confinement;
  readonly #state: StateFolder;
  readonly #records: Records;
  readonly #lineage: Lineage;
  readonly #contents: Contents;

  constructor(files: Confinement, state: StateFolder, journal: Journal, contents: Contents) {
    this.#files = files;
    this.#state = state;
    this.#records = journal.records;
    this.#contents = contents;
    this.#lineage = new Lineage(files, state, journal.records, contents);
  }

  /** Versions of one file or folder, also under the names it had before. `limit` defaults to 50. */
  of(path: string, options: { before?: string; limit?: number } = {}): Versions {
    const limit = options.limit ?? 50;
    const after = options.before === undefined ? undefined : cursorFrom(options.before);
    const tellings = [...this.#lineage.of(path, after).take(limit + 1)];
    const last = tellings[limit - 1];
    return {
      versions: tellings.slice(0, limit).map((one) => one.version()),
      ...(tellings.length > limit && last ? { next: spelledCursor(cursorAfter(last)) } : {}),
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
      versions: steps.slice(0, limit).map((step) => recordedVersion(this.#state, step)),
      ...(steps.length > limit && last ? { next: spelledPosition(positionOf(last)) } : {}),
    };
  }

  /** Whether a path at which nothing is any more was a folder when something was there last. */
  wasFolder(path: string): boolean {
    if (this.#lineage.present(path)) return false;
    const [last] = this.#records.at([path], START, 1);
    return last?.folder ?? (last === undefined && this.#records.hasBelow(path));
  }

  /** Places that one change, or a chat, has touched. */
  touched(what: { change: string } | { chat: string }): Set<string> {
    return this.#records.touched("chat" in what ? what : { change: numberFrom(what.change) });
  }

  /** A version of a path; undefined when it has none of that name. */
  version(path: string, version: string): Version | undefined {
    return this.#lineage.find(path, version)?.version();
  }

  /** Content of a version of a file. Throws ToolError when there is no such version or it is no longer kept. */
  content(path: string, version: string): { bytes: Buffer; etag: string; mode?: number } {
    const found = this.#lineage.find(path, version);
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
    if (this.#lineage.present(path)?.etag !== etag)
      return { bytes: this.kept(etag), etag, ...mode };
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

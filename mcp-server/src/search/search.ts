/** Looks for text in the files below a folder. Several threads can share one search, each looking into its part of the files. */
import { readSync } from "node:fs";
import { limits } from "../limits.ts";
import { looksBinary } from "../text.ts";
import { failedWith } from "../tools/tool-error.ts";
import type { Confinement, OpenFile, PinnedDirectory } from "../workspace/confinement.ts";
import { joinPath, splitPath } from "../workspace/paths.ts";
import { place } from "./find.ts";
import { compileGlob } from "./glob.ts";
import type { Interrupt } from "./interrupt.ts";
import { compileMatcher, type Matcher, type MatcherOptions } from "./matcher.ts";
import { type Position, parsePosition } from "./position.ts";
import { showHits } from "./show-hits.ts";
import { isPassedOver, walk } from "./walk.ts";

export interface SearchQuery extends MatcherOptions {
  project: string;
  /** Folder or file in it. */
  path: string;
  /** Which files, by their path from `path`; without a slash by their name. Default all. */
  glob?: string | undefined;
  includeIgnored: boolean;
  /** Lines shown before and after each that matches. */
  context: number;
  /** Matching lines of one answer. */
  limit: number;
  cursor?: string | undefined;
}

/** Which part of the files: those whose name falls to `share` of `shares`. */
export interface SharedQuery extends SearchQuery {
  share: number;
  shares: number;
}

/** What was found in one file. */
export interface Block {
  /** From where the search began. */
  below: string;
  /** In the project. */
  path: string;
  /** Lines that match, and what is shown of each. */
  lines: number[];
  pieces: string[];
  /** Whether the file holds more that matches. */
  more: boolean;
}

/** What was found in one part of the files. */
export interface SearchPart {
  /** In the order of the walk. */
  blocks: Block[];
  /** Files looked into. */
  searched: number;
  /** Files too large to be looked into. */
  tooLarge: number;
  leftOut: number;
  /** Whether all of the part was looked into; else up to where. */
  complete: boolean;
  last: Position | undefined;
}

/** Throws ToolError when query, glob or cursor cannot be read, or nothing is at `path`. */
export function search(files: Confinement, query: SharedQuery, interrupt: Interrupt): SearchPart {
  const page = new Page(query);
  const { project, path, includeIgnored, share, shares } = query;
  const from = place(project, path);
  const begin = parsePosition(query.cursor);
  const named = query.glob === undefined ? () => true : compileGlob(query.glob);
  const mine = (name: string) => shares === 1 || hash(name) % shares === share;
  const visit = (directory: PinnedDirectory, name: string, below: string, after: number) => {
    try {
      using file = directory.file(name);
      return page.take(file, below, after);
    } catch (error) {
      if (isPassedOver(error) || failedWith(error, "EISDIR")) return true;
      throw error;
    }
  };
  if (isFile(files, from)) {
    if (share > 0) return page.part(true, 0);
    using file = files.file(from);
    return page.part(page.take(file, "", begin?.line ?? 0), 0);
  }
  // The file in which the answer before ended may hold more; the walk goes on behind it.
  if (begin?.line !== undefined && share === 0) {
    const { directory, name } = splitPath(begin.path);
    using above = folderIfThere(files, place(from, directory));
    if (above && !visit(above, name, begin.path, begin.line)) return page.part(false, 0);
  }
  const { complete, leftOut } = walk(
    files,
    { project, from, includeIgnored, after: begin?.path },
    interrupt,
    ({ kind, name, below, directory }) => {
      if (interrupt.late) return false;
      if (kind === "file" && mine(name) && named(below) && !visit(directory, name, below, 0))
        return false;
      page.passed(below);
      return true;
    },
  );
  return page.part(complete, leftOut);
}

/** Collects what one answer shows. */
class Page {
  readonly #query: SharedQuery;
  readonly #matcher: Matcher;
  readonly #blocks: Block[] = [];
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #room = limits.searchAnswer;
  #left: number;
  #searched = 0;
  #tooLarge = 0;
  #last: Position | undefined;

  constructor(query: SharedQuery) {
    this.#query = query;
    this.#matcher = compileMatcher(query);
    this.#left = query.limit;
    this.#last = parsePosition(query.cursor);
  }

  /** Adds what matches in a file behind line `after`; false when there is no room for more. */
  take(file: OpenFile, below: string, after: number): boolean {
    if (this.#left <= 0 || this.#room <= 0) return false;
    const bytes = this.#read(file);
    this.passed(below);
    if (!bytes || this.#matcher.rulesOut(bytes) || looksBinary(bytes)) return true;
    const text = bytes.toString();
    const hits = this.#matcher.hits(text, after, this.#left + 1);
    if (hits.length === 0) return true;
    const pieces = showHits(text, hits.slice(0, this.#left), this.#query.context, this.#room);
    const shown = hits.slice(0, pieces.length);
    const more = shown.length < hits.length;
    const path = below === "" ? this.#query.path : joinPath(this.#query.path, below);
    this.#blocks.push({ below, path, lines: shown.map(({ line }) => line), pieces, more });
    this.#left -= pieces.length;
    for (const piece of pieces) this.#room -= piece.length + 1;
    if (more) this.#last = { path: below, line: shown.at(-1)?.line };
    return !more;
  }

  /** Everything up to this path has been seen. */
  passed(below: string): void {
    this.#last = { path: below, line: undefined };
  }

  part(complete: boolean, leftOut: number): SearchPart {
    return {
      blocks: this.#blocks,
      searched: this.#searched,
      tooLarge: this.#tooLarge,
      leftOut,
      complete,
      last: this.#last,
    };
  }

  /** The bytes of a file, valid until the next one is read; undefined for one that is too large. */
  #read(file: OpenFile): Buffer | undefined {
    const { size } = file.stats;
    if (size > limits.searchFile) {
      this.#tooLarge++;
      return undefined;
    }
    this.#searched++;
    let buffer = this.#buffer;
    if (size > buffer.length) {
      buffer = Buffer.allocUnsafe(size);
      if (size <= 1024 * 1024) this.#buffer = buffer;
    }
    let filled = 0;
    while (filled < size) {
      const count = readSync(file.fd, buffer, filled, size - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  }
}

function isFile(files: Confinement, path: string): boolean {
  try {
    using _file = files.file(path);
    return true;
  } catch {
    return false;
  }
}

function folderIfThere(files: Confinement, path: string): PinnedDirectory | undefined {
  try {
    return files.directory(path);
  } catch (error) {
    if (isPassedOver(error)) return undefined;
    throw error;
  }
}

/** By the name alone: what else is in the tree, and comes or goes meanwhile, does not change whose file it is. FNV-1a. */
function hash(name: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < name.length; at++)
    value = Math.imul(value ^ name.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

/**
 * Unified diffs as git and as models write them, read into what is to be done to each file. Models count badly, so the counts
 * of a hunk's header are believed only where they fit the lines below it; else the lines are what counts.
 */
import { ToolError } from "../tools/tool-error.ts";
import { unquotedName } from "./quoted-name.ts";

export interface FilePatch {
  /** Relative path before; missing: the file is new. */
  from?: string;
  /** Relative path after; missing: the file is deleted. */
  to?: string;
  /** The file at `from` stays. */
  copy?: true;
  /** Whether git's header makes it a program or none. */
  executable?: boolean;
  hunks: Hunk[];
}

export interface Hunk {
  /** Its header, for messages. */
  header: string;
  /** Lines before the hunk, as the header says; missing where it says nothing. */
  before?: number;
  /** The header says that the hunk takes and keeps no line. */
  bare: boolean;
  lines: HunkLine[];
}

export interface HunkLine {
  op: "keep" | "take" | "add";
  /** Without line end, but with its carriage return. */
  text: string;
  /** No newline follows it: it is the last line of the file. */
  unended?: true;
  /** An empty line of the patch, which may be one between two hunks rather than a line of the file. */
  blank?: true;
}

const MOST_FILES = 500;
const NONE = "/dev/null";
const FORM =
  'Each file needs "--- a/path" and "+++ b/path" lines, and hunks that begin with "@@ -line,count +line,count @@" and have lines that begin with a space, "-" or "+".';

/** Throws ToolError when the text is no unified diff, or one that cannot be carried out. */
export function parsePatch(patch: string): FilePatch[] {
  if (!patch.isWellFormed()) throw new ToolError("The patch holds half a Unicode character.");
  const patches = new Reader(linesOf(patch)).sections().map(filePatch);
  if (patches.length === 0) throw new ToolError(`This is no unified diff. ${FORM}`);
  if (patches.length > MOST_FILES) {
    throw new ToolError(
      `The patch is about ${patches.length} files, more than ${MOST_FILES}. Split it.`,
    );
  }
  return patches;
}

/** A patch that came with CRLF throughout was given it on the way. */
function linesOf(patch: string): string[] {
  const lines = patch.replace(/\n$/, "").split("\n");
  const all = lines.slice(0, -1).every((line) => line.endsWith("\r"));
  return all ? lines.map((line) => line.replace(/\r$/, "")) : lines;
}

/** What the patch says of one file, in its own words. */
interface Section {
  /** Names that follow "diff --git". */
  git?: string;
  /** Names that follow "---" and "+++". */
  left?: string;
  right?: string;
  /** The other lines of git's header. */
  fields: Map<string, string>;
  hunks: Hunk[];
}

const FIELD =
  /^(old mode|new mode|new file mode|deleted file mode|rename from|rename to|copy from|copy to) (.+)$/;

class Reader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  sections(): Section[] {
    const sections: Section[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#header(this.#at);
      const section = sections.at(-1);
      if (line.startsWith("diff --git ")) {
        sections.push({ git: line.slice("diff --git ".length), fields: new Map(), hunks: [] });
      } else if (line.startsWith("--- ") && this.#header(this.#at + 1).startsWith("+++ ")) {
        const names = { left: line.slice(4), right: this.#header(++this.#at).slice(4) };
        if (section && isOf(section, names)) Object.assign(section, names);
        else sections.push({ ...names, fields: new Map(), hunks: [] });
      } else if (line.startsWith("@@")) {
        if (!section) throw this.#wrong('has no "--- a/path" and "+++ b/path" lines above it');
        section.hunks.push(this.#hunk());
      } else if (section) {
        this.#between(section, line);
      }
    }
    return sections;
  }

  #between(section: Section, line: string): void {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (/^(GIT binary patch|Binary files .* differ)$/.test(line)) {
      section.fields.set("binary", line);
    } else if (section.hunks.length === 0 && name !== undefined && value !== undefined) {
      section.fields.set(name, value);
    } else if (/^[-+ ].*\S/.test(line) && !this.#isSignature(this.#at)) {
      if (!section.fields.has("binary")) throw this.#wrong('belongs to no hunk ("@@ ... @@")');
    }
  }

  /** Reads a hunk whose header is the present line; its last line is the present one then. */
  #hunk(): Hunk {
    const header = this.#header(this.#at);
    if (header.startsWith("@@@"))
      throw this.#wrong("begins a hunk of a merge. Make a diff from one version to another");
    const [, line, old, now] =
      /^@@ -(\d+)(?:,(\d+))?(?: \+\d+(?:,(\d+))?)?/.exec(header) ?? ([] as undefined[]);
    const counts = { old: Number(old ?? 1), new: Number(now ?? 1) };
    const lines = (line === undefined ? undefined : this.#counted(counts)) ?? this.#uncounted();
    const bare = line !== undefined && counts.old === 0 && lines.every(({ op }) => op === "add");
    if (lines.length === 0) throw this.#wrong("is above no line of a hunk");
    if (!lines.some(({ op }) => op !== "keep")) {
      throw new ToolError(
        `The hunk "${header}" changes nothing: none of its lines begins with "-" or "+".`,
      );
    }
    return {
      header,
      ...(line === undefined ? {} : { before: bare ? Number(line) : Number(line) - 1 }),
      bare,
      lines,
    };
  }

  /** The lines that the header counts; undefined when these counts cannot be right. */
  #counted({ old, new: now }: { old: number; new: number }): HunkLine[] | undefined {
    const lines: HunkLine[] = [];
    let at = this.#at + 1;
    for (let left = { old, now }; left.old > 0 || left.now > 0; at++) {
      const line = this.#lineAt(at);
      if (line === "unended") {
        markUnended(lines);
        continue;
      }
      if (!line || this.#namesFile(at)) return undefined;
      left = {
        old: left.old - (line.op === "add" ? 0 : 1),
        now: left.now - (line.op === "take" ? 0 : 1),
      };
      if (left.old < 0 || left.now < 0) return undefined;
      lines.push(line);
    }
    if (this.#lineAt(at) === "unended") {
      markUnended(lines);
      at++;
    }
    let next = at;
    while (this.#lines[next]?.trim() === "") next++;
    const goesOn = /^[-+ ]/.test(this.#lines[next] ?? "") && !this.#ends(next);
    if (goesOn || lines.length === 0) return undefined;
    this.#at = at - 1;
    return lines;
  }

  /** All lines up to the next hunk or file. */
  #uncounted(): HunkLine[] {
    const lines: HunkLine[] = [];
    let at = this.#at + 1;
    for (; at < this.#lines.length && !this.#ends(at); at++) {
      const line = this.#lineAt(at);
      if (line === "unended") markUnended(lines);
      else if (line) lines.push(line);
      // A hunk that was cut off must not be taken for one that was counted badly.
      else {
        this.#at = at;
        throw this.#wrong(
          'is in a hunk, but begins with neither a space nor "-" nor "+" (and the counts in the hunk\'s header do not fit its lines)',
        );
      }
    }
    this.#at = at - 1;
    while (lines.at(-1)?.blank) lines.pop();
    return lines;
  }

  /** Undefined for what can be no line of a hunk. */
  #lineAt(at: number): HunkLine | "unended" | undefined {
    const line = this.#lines[at];
    if (line === undefined) return undefined;
    if (line === "" || line === "\r") return { op: "keep", text: line, blank: true };
    const text = line.slice(1);
    if (line.startsWith(" ")) return { op: "keep", text };
    if (line.startsWith("-")) return { op: "take", text };
    if (line.startsWith("+")) return { op: "add", text };
    return line.startsWith("\\") ? "unended" : undefined;
  }

  /** Whether a line is no longer part of the hunk above it. */
  #ends(at: number): boolean {
    const line = this.#lines[at] ?? "";
    return /^(@@|diff |Index: |```|~~~)/.test(line) || this.#namesFile(at) || this.#isSignature(at);
  }

  /** Lines "--- path", "+++ path" and what may follow them: not a line taken and one added that only look so. */
  #namesFile(at: number): boolean {
    const [left, right, next] = [at, at + 1, at + 2].map((one) => this.#lines[one]);
    if (!left?.startsWith("--- ") || !right?.startsWith("+++ ")) return false;
    return next === undefined || /^(@@|diff |```|~~~|\s*$)/.test(next);
  }

  /** "-- " and git's version, which end a mail that git made. */
  #isSignature(at: number): boolean {
    return /^-- ?$/.test(this.#lines[at] ?? "") && /^\d+\.\d/.test(this.#lines[at + 1] ?? "");
  }

  #header(at: number): string {
    return (this.#lines[at] ?? "").replace(/\r$/, "");
  }

  #wrong(what: string): ToolError {
    const line = this.#header(this.#at).slice(0, 100);
    return new ToolError(
      `Line ${this.#at + 1} of the patch, "${line}", ${what}. Nothing was applied. ${FORM}`,
    );
  }
}

function markUnended(lines: HunkLine[]): void {
  const last = lines.at(-1);
  if (last) last.unended = true;
}

/** Whether the lines "---" and "+++" are about the file that git's header above them names. */
function isOf(
  { git, left, hunks }: Section,
  names: Required<Pick<Section, "left" | "right">>,
): boolean {
  if (git === undefined || left !== undefined || hunks.length > 0) return false;
  const [before, after] = [names.left, names.right].map(nameIn);
  return (
    (before === NONE || git.startsWith(`${before} `)) &&
    (after === NONE || git.endsWith(` ${after}`))
  );
}

function filePatch({ git, left, right, fields, hunks }: Section): FilePatch {
  const created = fields.has("new file mode");
  const deleted = fields.has("deleted file mode");
  const named = left === undefined ? gitNames(git ?? "") : names(left, right as string);
  const moved = (end: "from" | "to") => fields.get(`rename ${end}`) ?? fields.get(`copy ${end}`);
  const renamed = { from: moved("from"), to: moved("to") };
  const from = created ? undefined : renamed.from ? unquotedName(renamed.from) : named.from;
  const to = deleted ? undefined : renamed.to ? unquotedName(renamed.to) : named.to;
  const name = to ?? from;
  if (name === undefined)
    throw new ToolError(`A part of the patch names no file: "${git ?? left}". ${FORM}`);
  if (fields.has("binary") && !deleted) {
    throw new ToolError(
      `The patch changes the binary file "${name}", which a patch in text cannot do. Leave it out, and write it with write_code and encoding "base64".`,
    );
  }
  const executable = executableBy(fields.get("new file mode") ?? fields.get("new mode"), name);
  const changes = hunks.length > 0 || from !== to || executable !== undefined;
  if (!changes) throw new ToolError(`The patch changes nothing in "${name}": it has no hunk.`);
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(fields.has("copy from") ? { copy: true } : {}),
    ...(executable === undefined ? {} : { executable }),
    hunks,
  };
}

/** git knows two modes of files; the others are links and repositories. */
function executableBy(mode: string | undefined, name: string): boolean | undefined {
  if (mode === undefined) return undefined;
  if (/^100[0-7]{3}$/.test(mode)) return (Number.parseInt(mode, 8) & 0o100) !== 0;
  throw new ToolError(
    `The patch makes "${name}" something of mode ${mode}, which is no regular file. Links and submodules cannot be made.`,
  );
}

/** Of the lines "---" and "+++". Undefined for /dev/null; "a/" and "b/" are left out where both are there. */
function names(left: string, right: string): { from?: string; to?: string } {
  const [from, to] = [left, right].map((name) => {
    const path = nameIn(name);
    return path === NONE ? undefined : unquotedName(path);
  });
  return withoutPrefixes(from, to);
}

/** Without the time that may follow it. */
function nameIn(line: string): string {
  return line.replace(/\t.*$/, "").trim();
}

/** Of a file that git names but has no hunk of, so both names are the same but for the prefixes. */
function gitNames(git: string): { from?: string; to?: string } {
  const quoted = /^("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")$/.exec(git);
  const half = (git.length - 1) / 2;
  const [from, to] = quoted
    ? [unquotedName(quoted[1] as string), unquotedName(quoted[2] as string)]
    : [git.slice(0, half), git.slice(half + 1)];
  const names = withoutPrefixes(from, to);
  return names.from === names.to ? names : {};
}

function withoutPrefixes(from?: string, to?: string): { from?: string; to?: string } {
  const prefixed = (from?.startsWith("a/") ?? true) && (to?.startsWith("b/") ?? true);
  const plain = (path: string) => (prefixed ? path.slice(2) : path);
  return {
    ...(from === undefined ? {} : { from: plain(from) }),
    ...(to === undefined ? {} : { to: plain(to) }),
  };
}

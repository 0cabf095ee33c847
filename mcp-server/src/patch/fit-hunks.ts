/**
 * Applies hunks to a text. Lines have to match exactly, but models number them badly: a hunk also goes to another place than
 * its header says, when it fits that one alone. Where it fits several, nobody guesses.
 */
import { ToolError } from "../tools/tool-error.ts";
import type { Hunk, HunkLine } from "./parse-patch.ts";
import { PatchedText } from "./patched-text.ts";

const MARK = "\ufeff";
/** Lines that are compared for one file; more would hold up other callers. */
const MOST_COMPARED = 5_000_000;
/** Places and lines that are told when a hunk does not fit. */
const MOST_TOLD = 8;

/**
 * The text as the hunks leave it. Line ends, a byte order mark and a missing newline at the end stay, unless it is them that
 * the hunks change. Throws ToolError that says which hunk does not fit, and why.
 */
export function patchText(before: string, hunks: readonly Hunk[], path: string): string {
  // Only a patch made by a program spells the mark.
  const spelled = hunks.some(({ lines }) => lines.some(({ text }) => text.startsWith(MARK)));
  const mark = !spelled && before.startsWith(MARK) ? MARK : "";
  const text = new PatchedText(before.slice(mark.length));
  const fitting = new Fitting(text.lines, hunks, path);
  for (const [index, hunk] of hunks.entries()) {
    const { at, lines } = fitting.place(index, hunk, text.position);
    text.apply(at, lines);
  }
  return mark + text.end();
}

class Fitting {
  readonly #lines: readonly string[];
  readonly #hunks: readonly Hunk[];
  readonly #path: string;
  /** By how many lines the hunk before was not where its header says. */
  #shift = 0;
  #compared = 0;

  constructor(lines: readonly string[], hunks: readonly Hunk[], path: string) {
    this.#lines = lines;
    this.#hunks = hunks;
    this.#path = path;
  }

  /** How many lines are above the hunk, and which of its lines count. `from`: what is above is done with. */
  place(index: number, hunk: Hunk, from: number): { at: number; lines: HunkLine[] } {
    const { lines } = hunk;
    const shorter = lines.slice(0, lines.findLastIndex(({ blank }) => !blank) + 1);
    for (const those of shorter.length < lines.length ? [lines, shorter] : [lines]) {
      if (those.every(({ op }) => op === "add"))
        return { at: this.#bare(index, hunk, from), lines: those };
      const at = this.#find(index, hunk, oldLines(those), from);
      if (at === undefined) continue;
      this.#shift = hunk.before === undefined ? 0 : at - hunk.before;
      return { at, lines: those };
    }
    throw this.#misfit(index, hunk, shorter, from);
  }

  /** Place of a hunk that says nothing of what is around it. */
  #bare(index: number, { bare, before = 0 }: Hunk, from: number): number {
    const { length } = this.#lines;
    if (length === 0) return 0;
    if (bare && before > 0 && before <= length && before >= from && this.#shift === 0)
      return before;
    throw this.#refusal(
      index,
      `has only lines to add, so it is not clear where they belong in the ${length} lines of "${this.#path}". Give it a line above or below that is there already.`,
    );
  }

  #find(index: number, hunk: Hunk, old: Old, from: number): number | undefined {
    const claims = hunk.before === undefined ? [] : [hunk.before, hunk.before + this.#shift];
    let places = [...new Set(claims)].filter((at) => at >= from && this.#fits(old, at));
    if (places.length === 0) places = this.#places(old, from);
    if (places.length <= 1) return places[0];
    const told = places.slice(0, MOST_TOLD).map((at) => at + 1);
    const more = places.length > told.length ? ", ..." : "";
    throw this.#refusal(
      index,
      `fits "${this.#path}" in several places: from line ${told.join(", ")}${more}. Correct the line number in its header, or add lines around it until it is unique.`,
    );
  }

  #places(old: Old, from: number, most = MOST_TOLD + 1): number[] {
    const places: number[] = [];
    const last = this.#lines.length - old.lines.length;
    for (let at = from; at <= last && places.length < most; at++)
      if (this.#fits(old, at)) places.push(at);
    return places;
  }

  #fits(old: Old, at: number): boolean {
    const end = at + old.lines.length;
    if (end > this.#lines.length || (old.atEnd && end < this.#lines.length)) return false;
    return this.#matching(old, at) === old.lines.length;
  }

  /** How many lines from the first on are the same. */
  #matching(old: Old, at: number): number {
    let matching = 0;
    while (matching < old.lines.length) {
      const there = this.#lines[at + matching];
      if (there === undefined || !sameLine(there, old.lines[matching] as string)) break;
      matching++;
    }
    this.#compared += matching + 1;
    if (this.#compared > MOST_COMPARED) {
      throw new ToolError(
        `"${this.#path}" is too long to look for the hunks that are not where their headers say. Nothing was applied. Correct their line numbers.`,
      );
    }
    return matching;
  }

  #misfit(index: number, hunk: Hunk, lines: HunkLine[], from: number): ToolError {
    const old = oldLines(lines);
    const done = { lines: textsOf(lines, "take"), atEnd: false };
    const adds = lines.some(({ op, text }) => op === "add" && text.trim() !== "");
    const [applied] = adds ? this.#places(done, from, 1) : [];
    const [above] = this.#places(old, 0, 1);
    const reason =
      above !== undefined
        ? `Its lines begin at line ${above + 1}, above the end of the hunk before it: put hunks in the file's order, and do not let them overlap.`
        : applied !== undefined
          ? `It is applied already, it seems: what it would leave is there from line ${applied + 1} on.`
          : this.#difference(hunk, old, from);
    return this.#refusal(
      index,
      `does not fit "${this.#path}". ${reason}\nRead that part again and make the patch from what is there.`,
    );
  }

  /** Compares the hunk with the place that looks most like it. */
  #difference(hunk: Hunk, old: Old, from: number): string {
    let [best, most] = [0, 0];
    for (let at = from; at < this.#lines.length; at++) {
      const matching = this.#matching(old, at);
      if (matching > most) [best, most] = [at, matching];
    }
    const expected = old.lines[most] as string;
    if (most === 0) return this.#nowhere(hunk, expected);
    const seen = `Its first ${most === 1 ? "line is line" : `${most} lines are there from line`} ${best + 1}`;
    const there = this.#lines[best + most];
    if (most === old.lines.length)
      return `${seen}, but it says that the file ends there, and more follows.`;
    if (there === undefined) return `${seen}, but where it expects\n${expected}\nthe file ends.`;
    return `${seen}, but where it expects\n${expected}\nline ${best + most + 1} is\n${there}${spacing(expected, there)}`;
  }

  #nowhere({ before }: Hunk, expected: string): string {
    const alike = this.#lines.findIndex((line) => squeezed(line) === squeezed(expected));
    if (alike >= 0)
      return `Its first line is\n${expected}\nand line ${alike + 1} is\n${this.#lines[alike]}${spacing(expected, this.#lines[alike] as string)}`;
    const start = Math.max(0, before ?? 0);
    const there = this.#lines
      .slice(start, start + MOST_TOLD)
      .map((line, index) => `${start + index + 1}\t${line}`);
    const shown = there.length > 0 ? `From line ${start + 1} on there is\n${there.join("\n")}` : "";
    return `Its first line is nowhere in the file:\n${expected}\n${shown || `The file has ${this.#lines.length} lines.`}`;
  }

  #refusal(index: number, what: string): ToolError {
    const { header } = this.#hunks[index] as Hunk;
    const number = `Hunk ${index + 1} of ${this.#hunks.length} (${header.slice(0, 80)})`;
    return new ToolError(`Nothing was applied. ${number} ${what}`);
  }
}

/** What has to be there. */
interface Old {
  lines: string[];
  /** It is the end of the file. */
  atEnd: boolean;
}

function oldLines(lines: readonly HunkLine[]): Old {
  return { lines: textsOf(lines, "add"), atEnd: lines.some(({ unended }) => unended) };
}

function textsOf(lines: readonly HunkLine[], without: HunkLine["op"]): string[] {
  return lines.filter(({ op }) => op !== without).map(({ text }) => text);
}

/** Models send plain newlines for files with CRLF. */
function sameLine(one: string, other: string): boolean {
  return one === other || withoutReturn(one) === withoutReturn(other);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function squeezed(line: string): string {
  return line.replace(/\s+/g, " ").trim();
}

function spacing(one: string, other: string): string {
  return squeezed(one) === squeezed(other) ? "\nThey differ in white space only." : "";
}

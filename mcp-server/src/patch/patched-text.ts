/** A text while hunks are applied to it from top to bottom; what they add gets the line ends of what is around it. */
import type { HunkLine } from "./parse-patch.ts";

export class PatchedText {
  /** As they were before, with their carriage returns. */
  readonly lines: string[];
  readonly #after: string[] = [];
  /** Whether a newline follows the last line. */
  #ended: boolean;
  /** Whether the last line, which nothing follows, was given the carriage return of the one above it. */
  readonly #borrowed: boolean;
  #position = 0;

  constructor(text: string) {
    this.lines = text.split("\n");
    this.#ended = text === "" || text.endsWith("\n");
    if (this.#ended) this.lines.pop();
    this.#borrowed = !this.#ended && (this.lines.at(-2)?.endsWith("\r") ?? false);
    if (this.#borrowed) this.lines.push(`${this.lines.pop()}\r`);
  }

  /** Lines from the top that are done with. */
  get position(): number {
    return this.#position;
  }

  /** Applies a hunk that fits below the first `at` lines. */
  apply(at: number, lines: readonly HunkLine[]): void {
    const spelling = this.#spelling(at, lines);
    this.#keepUpTo(at);
    // Kept lines at the end may be the first ones of the next hunk.
    const last = lines.findLastIndex(({ op }) => op !== "keep");
    for (const { op, text } of lines.slice(0, last + 1)) {
      if (op === "add") this.#after.push(spelling(text));
      else if (op === "take") this.#position++;
      else this.#keepUpTo(this.#position + 1);
    }
    const unended = (which: HunkLine["op"]) => lines.some((one) => one.unended && one.op === which);
    if (unended("add")) this.#ended = false;
    else if (unended("take")) this.#ended = true;
  }

  /** The whole text after the last hunk. */
  end(): string {
    const sameEnd = this.#position < this.lines.length;
    this.#keepUpTo(this.lines.length);
    const text = this.#after.join("\n");
    if (this.#ended) return this.#after.length > 0 ? `${text}\n` : text;
    // A carriage return is half a line end.
    return !sameEnd || this.#borrowed ? text.replace(/\r$/, "") : text;
  }

  #asFound(line: number): string | undefined {
    const text = this.lines[line];
    return this.#borrowed && line === this.lines.length - 1 ? text?.slice(0, -1) : text;
  }

  #keepUpTo(line: number): void {
    while (this.#position < line) this.#after.push(this.lines[this.#position++] as string);
  }

  /** How the lines that a hunk adds are to end: as it says when it knows of carriage returns, else as those around them. */
  #spelling(at: number, lines: readonly HunkLine[]): (text: string) => string {
    const old = lines.filter(({ op }) => op !== "add").map(({ text }) => text);
    const returns = old.some((text) => text.endsWith("\r"));
    if (returns && old.every((text, index) => text === this.#asFound(at + index)))
      return (text) => text;
    return (text) => {
      const plain = returns ? text.replace(/\r$/, "") : text;
      const near = this.lines[this.#position - 1] ?? this.lines[this.#position];
      return near?.endsWith("\r") && !plain.endsWith("\r") ? `${plain}\r` : plain;
    };
  }
}

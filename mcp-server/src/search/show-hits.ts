/** Matching lines of a text as an answer shows them, with the lines around them. */
import { limits } from "../limits.ts";
import type { Hit } from "./matcher.ts";

/**
 * One piece for each hit, with up to `context` lines before and after it, until about `room` characters are used; at least one.
 * Where lines are left out between two pieces, `--` stands.
 */
export function showHits(
  text: string,
  hits: readonly Hit[],
  context: number,
  room: number,
): string[] {
  const pieces: string[] = [];
  let characters = 0;
  /** The last line that is shown. */
  let last = 0;
  for (const [index, hit] of hits.entries()) {
    if (characters >= room && index > 0) break;
    const lines: string[] = [];
    const before = linesBefore(text, hit, Math.min(context, hit.line - last - 1));
    if (context > 0 && last > 0 && hit.line - before.length > last + 1) lines.push("--");
    for (const [at, line] of before.entries())
      lines.push(`${hit.line - before.length + at}-${cut(line, 0)}`);
    lines.push(`${hit.line}:${cut(text.slice(hit.start, hit.end), hit.at - hit.start)}`);
    last = hit.line;
    let next = hit.end + 1;
    const until = hits[index + 1]?.line ?? Number.POSITIVE_INFINITY;
    for (let count = 0; count < context && last + 1 < until && next < text.length; count++) {
      const newline = text.indexOf("\n", next);
      const end = newline < 0 ? text.length : newline;
      last++;
      lines.push(`${last}-${cut(text.slice(next, end), 0)}`);
      next = end + 1;
    }
    const piece = lines.join("\n");
    pieces.push(piece);
    characters += piece.length + 1;
  }
  return pieces;
}

/** The `count` lines above a hit, in order. */
function linesBefore(text: string, { start }: Hit, count: number): string[] {
  const lines: string[] = [];
  let end = start - 1;
  while (lines.length < count && end >= 0) {
    const begin = end === 0 ? 0 : text.lastIndexOf("\n", end - 1) + 1;
    lines.unshift(text.slice(begin, end));
    end = begin - 1;
  }
  return lines;
}

/** A long line is shown around offset `at` only. */
function cut(line: string, at: number): string {
  const plain = line.endsWith("\r") ? line.slice(0, -1) : line;
  const longest = limits.searchLine;
  if (plain.length <= longest) return plain;
  const start = Math.max(0, Math.min(at - longest / 4, plain.length - longest));
  const end = start + longest;
  return `${start > 0 ? "..." : ""}${plain.slice(start, end)}${end < plain.length ? "..." : ""}`;
}

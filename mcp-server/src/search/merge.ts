/** Puts what several threads found in their parts of the files together into one answer. */
import { limits } from "../limits.ts";
import { comparePaths, type Position, spellPosition } from "./position.ts";
import type { Block, SearchPart } from "./search.ts";

export interface SearchAnswer {
  /** Each file's path, then its lines: `12:` before one that matches, `12-` before one around it. */
  text: string;
  /** Lines that match, and files that hold them, in this answer. */
  matches: number;
  files: number;
  /** Files looked into. */
  searched: number;
  /** Files too large to be looked into. */
  tooLarge: number;
  leftOut: number;
  next_cursor?: string;
}

/** At most `limit` matching lines; of files behind the point that some part did not reach there are none. */
export function merge(parts: readonly SearchPart[], limit: number): SearchAnswer {
  const reached = parts
    .filter(({ complete }) => !complete)
    .map(({ last }) => last)
    .reduce<Position | undefined>(
      (least, one) => (least && one && comparePaths(least.path, one.path) <= 0 ? least : one),
      undefined,
    );
  const blocks = parts
    .flatMap((part) => part.blocks)
    .filter(({ below }) => !reached || comparePaths(below, reached.path) <= 0)
    .sort((one, other) => comparePaths(one.below, other.below));
  const shown: string[] = [];
  let matches = 0;
  let room = limits.searchAnswer;
  let end = reached;
  for (const [index, block] of blocks.entries()) {
    const pieces = fitting(block, limit - matches, room);
    shown.push(`${block.path}\n${pieces.join("\n")}`);
    matches += pieces.length;
    for (const piece of pieces) room -= piece.length + 1;
    const cut = pieces.length < block.pieces.length;
    const full = matches >= limit || room <= 0;
    if (cut || (full && (block.more || index < blocks.length - 1))) {
      const line = cut || block.more ? block.lines[pieces.length - 1] : undefined;
      end = { path: block.below, line };
      break;
    }
  }
  const sum = (of: (part: SearchPart) => number) =>
    parts.reduce((total, part) => total + of(part), 0);
  return {
    text: shown.join("\n\n"),
    matches,
    files: shown.length,
    searched: sum((part) => part.searched),
    tooLarge: sum((part) => part.tooLarge),
    // Each part walks over everything.
    leftOut: Math.max(...parts.map((part) => part.leftOut)),
    ...(end ? { next_cursor: spellPosition(end) } : {}),
  };
}

/** What is shown of a block; at least one piece. */
function fitting({ pieces }: Block, most: number, room: number): string[] {
  let count = 0;
  for (let left = room; count < Math.min(most, pieces.length); count++) {
    if (left <= 0 && count > 0) break;
    left -= (pieces[count] as string).length + 1;
  }
  return pieces.slice(0, count);
}

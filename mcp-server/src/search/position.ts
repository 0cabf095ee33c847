/** Where an answer of a search ended, and the order in which a walk comes to paths. */
import { ToolError } from "../tools/tool-error.ts";

export interface Position {
  /** From where the search began. */
  path: string;
  /** The last line of it that was looked at; undefined: all. */
  line: number | undefined;
}

export function spellPosition({ path, line }: Position): string {
  return `${path}:${line ?? ""}`;
}

/** Throws ToolError. */
export function parsePosition(cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  const parts = /^(.*):(\d{0,9})$/s.exec(cursor);
  if (!parts) throw new ToolError("The cursor is none of search_code. Leave it out to begin anew.");
  const [, path = "", line] = parts;
  return { path, line: line ? Number(line) : undefined };
}

/** Below zero when a walk comes to `a` before `b`. */
export function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [one, other] = [left[at] as string, right[at] as string];
    if (one !== other) return one < other ? -1 : 1;
  }
  return left.length - right.length;
}

/** Draws what is below a folder, a line for each entry, deeper ones further to the right. */
import type { Confinement } from "../workspace/confinement.ts";
import { place } from "./find.ts";
import type { Interrupt } from "./interrupt.ts";
import { type Entry, walk } from "./walk.ts";

export interface TreeQuery {
  project: string;
  path: string;
  /** Levels that are shown; 1 is the folder's own entries. Default all. */
  depth?: number | undefined;
  includeIgnored: boolean;
  /** Entries of one answer. */
  limit: number;
  cursor?: string | undefined;
}

export interface Drawn {
  text: string;
  entries: number;
  next_cursor?: string;
  leftOut: number;
}

/** Throws ToolError when `path` is no folder. */
export function tree(files: Confinement, query: TreeQuery, interrupt: Interrupt): Drawn {
  const { project, path, depth, includeIgnored, limit, cursor } = query;
  const lines: string[] = [];
  let entries = 0;
  let last = cursor;
  const { complete, leftOut } = walk(
    files,
    { project, from: place(project, path), includeIgnored, levels: depth, after: cursor },
    interrupt,
    (entry) => {
      if (entries === limit || interrupt.late) return false;
      // A page that begins in the middle says where that is.
      if (entries === 0) lines.push(...foldersAbove(entry));
      const level = levelOf(entry.below);
      entries++;
      lines.push("  ".repeat(level) + entry.name + mark(entry, level + 1 !== depth));
      last = entry.below;
      return true;
    },
  );
  return {
    text: lines.join("\n"),
    entries,
    leftOut,
    ...(!complete && last !== undefined ? { next_cursor: last } : {}),
  };
}

function levelOf(path: string): number {
  let level = 0;
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) level++;
  return level;
}

function foldersAbove({ below }: Entry): string[] {
  return below
    .split("/")
    .slice(0, -1)
    .map((name, level) => `${"  ".repeat(level)}${name}/`);
}

function mark({ kind }: Entry, deeper: boolean): string {
  if (kind === "folder") return deeper ? "/" : "/ ...";
  return kind === "file" ? "" : ` (${kind})`;
}

/** The entries of one folder. */
import { type Dirent, lstatSync } from "node:fs";
import type { Confinement, PinnedDirectory } from "../workspace/confinement.ts";
import { kindOf, openFolder } from "./walk.ts";

export interface ListQuery {
  /** Workspace-relative. */
  folder: string;
  /** Also sizes and times. */
  details: boolean;
  limit: number;
  cursor?: string | undefined;
}

export interface Listed {
  text: string;
  entries: number;
  total: number;
  next_cursor?: string;
}

/** Throws a system error, or ToolError when there is a file in its place. */
export function list(files: Confinement, { folder, details, limit, cursor }: ListQuery): Listed {
  using directory = openFolder(files, folder);
  const all = directory.entries();
  const start = cursor === undefined ? 0 : all.findIndex(({ name }) => name > cursor);
  const page = start < 0 ? [] : all.slice(start, start + limit);
  const more = start >= 0 && start + limit < all.length;
  const last = page.at(-1);
  return {
    text: page.map((entry) => line(directory, entry, details)).join("\n"),
    entries: page.length,
    total: all.length,
    ...(more && last ? { next_cursor: last.name } : {}),
  };
}

function line(directory: PinnedDirectory, entry: Dirent, details: boolean): string {
  const shown = entry.name + mark(entry);
  if (!details) return shown;
  const stats = lstatSync(directory.entry(entry.name), { throwIfNoEntry: false });
  if (!stats) return shown;
  const size = stats.isFile() ? String(stats.size) : "-";
  return `${shown}\t${size}\t${stats.mtime.toISOString()}`;
}

function mark(entry: Dirent): string {
  const kind = kindOf(entry);
  if (kind === "folder") return "/";
  return kind === "file" ? "" : ` (${kind})`;
}

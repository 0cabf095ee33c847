/** Finds files and folders by name. */
import type { Confinement } from "../workspace/confinement.ts";
import { joinPath } from "../workspace/paths.ts";
import { compileGlob } from "./glob.ts";
import type { Interrupt } from "./interrupt.ts";
import { walk } from "./walk.ts";

export interface FindQuery {
  /** "." is the workspace. */
  project: string;
  /** Folder in it; default the whole project. */
  path?: string;
  /** Matched against paths from `path`; without a slash against names. Default everything. */
  glob?: string | undefined;
  /** Default files. */
  kind?: "file" | "folder" | "any";
  /** Also what .gitignore leaves out. Default false. */
  includeIgnored?: boolean;
  limit: number;
  /** From the answer before. */
  cursor?: string | undefined;
}

export interface Found {
  /** In the project; folders end with a slash. */
  paths: string[];
  next_cursor?: string;
  /** Entries left out by .gitignore and the like. */
  leftOut: number;
}

/** Throws ToolError when the glob cannot be read, or `path` is no folder. */
export function find(files: Confinement, query: FindQuery, interrupt: Interrupt): Found {
  const { project, path = ".", glob, kind = "file", includeIgnored = false, limit, cursor } = query;
  const matches = glob === undefined ? () => true : compileGlob(glob);
  const paths: string[] = [];
  let last = cursor;
  const from = place(project, path);
  const { complete, leftOut } = walk(
    files,
    { project, from, includeIgnored, after: cursor },
    interrupt,
    (entry) => {
      if (interrupt.late) return false;
      const folder = entry.kind === "folder";
      if ((kind === "any" || kind === entry.kind) && matches(entry.below)) {
        if (paths.length === limit) return false;
        paths.push(joinPath(path, entry.below) + (folder ? "/" : ""));
      }
      last = entry.below;
      return true;
    },
  );
  return { paths, leftOut, ...(!complete && last !== undefined ? { next_cursor: last } : {}) };
}

/** Workspace-relative path of a path in a project. */
export function place(project: string, path: string): string {
  return path === "." ? project : joinPath(project, path);
}

/**
 * Walks over the files below a folder: depth first, names in the order of their UTF-16 codes, links not followed. A walk can go
 * on behind any path, so a page of an answer needs no memory of the one before.
 */
import type { Dirent } from "node:fs";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement, PinnedDirectory } from "../workspace/confinement.ts";
import { joinPath, pathFrom } from "../workspace/paths.ts";
import { IGNORE_FILE, IgnoreRules } from "./ignore-rules.ts";
import type { Interrupt } from "./interrupt.ts";

export type EntryKind = "file" | "folder" | "link" | "special";

/** An entry that a walk comes to. */
export interface Entry {
  kind: EntryKind;
  name: string;
  /** From the folder where the walk began. */
  below: string;
  /** The folder it is in, open while it is visited. */
  directory: PinnedDirectory;
}

export interface WalkOptions {
  /** Folder of the project, workspace-relative: its .gitignore files count. */
  project: string;
  /** Folder to walk over, workspace-relative. */
  from: string;
  /** Also what .gitignore leaves out, and node_modules. */
  includeIgnored: boolean;
  /** Levels to walk over; 1 is the folder's own entries. Default all. */
  levels?: number | undefined;
  /** Goes on behind this path, which is one from `from`. */
  after?: string | undefined;
}

export interface Walked {
  /** Whether it came to the end. */
  complete: boolean;
  /** Entries that .gitignore and the like have left out, folders counted once. */
  leftOut: number;
}

/** Git's own data; only walked when the walk begins in it. */
const GIT = ".git";
/** Made by machines and rarely meant; left out like what .gitignore names. */
const PACKAGES = "node_modules";
/** Each level keeps a folder open. */
const DEEPEST = 256;

/** Calls `visit` for each entry until it returns false. Throws a system error, or ToolError when `from` is no folder. */
export function walk(
  files: Confinement,
  { project, from, includeIgnored, levels = DEEPEST, after }: WalkOptions,
  interrupt: Interrupt,
  visit: (entry: Entry) => boolean,
): Walked {
  using start = openFolder(files, from);
  const walked: Walked = { complete: true, leftOut: 0 };
  const rules = includeIgnored ? undefined : rulesAbove(files, project, from);
  const gitToo = from.split("/").includes(GIT);

  const over = (
    directory: PinnedDirectory,
    below: string,
    above: IgnoreRules | undefined,
    behind: readonly string[],
    level: number,
  ): boolean => {
    const entries = directory.entries();
    let inForce = above;
    if (!includeIgnored && entries.some(({ name }) => name === IGNORE_FILE))
      inForce = IgnoreRules.in(directory, above);
    const [first, ...rest] = behind;
    for (const dirent of entries) {
      const { name } = dirent;
      if (first !== undefined && name < first) continue;
      interrupt.check();
      const isFolder = dirent.isDirectory();
      if (isFolder && name === GIT && !gitToo) continue;
      const leaveOut =
        (isFolder && name === PACKAGES && !includeIgnored) ||
        inForce?.leaveOut(joinPath(directory.path, name), isFolder);
      const path = below === "" ? name : `${below}/${name}`;
      // The page before ended with this entry or below it.
      const passed = name === first;
      if (leaveOut) {
        if (!passed) walked.leftOut++;
        continue;
      }
      if (!passed && !visit({ kind: kindOf(dirent), name, below: path, directory })) return false;
      if (isFolder && level < Math.min(levels, DEEPEST)) {
        let inside: PinnedDirectory;
        try {
          inside = directory.child(name);
        } catch (error) {
          if (isPassedOver(error)) continue;
          throw error;
        }
        using open = inside;
        try {
          if (!over(open, path, inForce, passed ? rest : [], level + 1)) return false;
        } catch (error) {
          if (!isPassedOver(error)) throw error;
        }
      }
    }
    return true;
  };

  walked.complete = over(start, "", rules, after === undefined ? [] : after.split("/"), 1);
  return walked;
}

export function kindOf(dirent: Dirent): EntryKind {
  if (dirent.isDirectory()) return "folder";
  if (dirent.isFile()) return "file";
  return dirent.isSymbolicLink() ? "link" : "special";
}

/** What vanished meanwhile, became a link, or may not be read is passed over; anything else is an error. */
export function isPassedOver(error: unknown): boolean {
  return (
    error instanceof ToolError ||
    failedWith(error, "ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "ESTALE")
  );
}

/** Throws ToolError when there is a file in its place. */
export function openFolder(files: Confinement, path: string): PinnedDirectory {
  try {
    return files.directory(path);
  } catch (error) {
    if (!failedWith(error, "ENOTDIR")) throw error;
    throw new ToolError(`"${path}" is a file, not a folder. read_code shows what is in it.`);
  }
}

/** The rules of the folders from the project down to the one above `from`; none when they would leave `from` itself out. */
function rulesAbove(files: Confinement, project: string, from: string): IgnoreRules | undefined {
  if (from === project) return undefined;
  const parts = pathFrom(project, from).split("/");
  let rules: IgnoreRules | undefined;
  let path = project;
  for (const part of parts) {
    using directory = files.directory(path);
    rules = IgnoreRules.in(directory, rules);
    path = joinPath(path, part);
    if (rules?.leaveOut(path, true)) return undefined;
  }
  return rules;
}

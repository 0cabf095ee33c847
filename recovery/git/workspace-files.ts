/**
 * The workspace's files as they go into git. People and programs change the workspace meanwhile, and who reads is root: what
 * was opened counts only if it lies where its path says, so that no link, however fast it is put there, leads out.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { posix } from "node:path";
import type { GitRepository } from "./git-repository.ts";

/** GitHub warns at 50 MiB and refuses 100. */
export const LARGEST = 50 * 1024 * 1024;

/** Names that are never pushed, at the root and anywhere. */
const LEFT_OUT = ["/.aihub", "node_modules"];

export type Mode = "100644" | "100755" | "120000";

export type Read =
  | { mode: Mode; content: Buffer }
  /** What is gone, a socket or a pipe is nobody's loss. */
  | {
      leftOut:
        | "too large"
        | "a link that leads out"
        | "a name that git refuses"
        | "a line that git refuses"
        | "nothing";
    };

/**
 * Paths of all files that no .gitignore excludes, as bytes in latin1. Repositories inside the workspace are folders like any
 * other, with rules of their own; what is in their `.git` is theirs.
 */
export async function listWorkspace(repository: GitRepository, root: string): Promise<string[]> {
  const paths: string[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const place = folder === "" ? root : Buffer.from(`${root}/${folder}`, "latin1").toString();
    const listed = await repository
      .git(
        [
          ...["ls-files", "-z", "--others", "--exclude-standard"],
          ...LEFT_OUT.filter((name) => folder === "" || !name.startsWith("/")).map(
            (name) => `--exclude=${name}`,
          ),
        ],
        {
          cwd: place,
          // There is no index: every file is one that git does not know.
          env: { GIT_WORK_TREE: place, GIT_INDEX_FILE: `${repository.folder}/no-index` },
        },
      )
      .catch((error: Error) => {
        // A repository that was removed since it was listed.
        if (folder !== "") return "";
        throw error;
      });
    for (const name of listed.split("\0")) {
      if (name === "") continue;
      if (name.endsWith("/")) folders.push(`${folder}${name}`);
      else paths.push(`${folder}${name}`);
    }
  }
  return paths.sort();
}

/** @param root without links @param path from `listWorkspace` */
export function readWorkspaceFile(root: string, path: string): Read {
  // Git takes a backslash for a slash, as Windows does.
  const parts = path.split(/[/\\]/).map(asOthersRead);
  const refused = (name: string, at: number) =>
    GIT_NAMES.test(name) || (ATTRIBUTES.test(name) && at < parts.length - 1);
  if (parts.some(refused)) return { leftOut: "a name that git refuses" };
  const place = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
  let file: number;
  try {
    file = openSync(
      place,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOOP") return readLink(root, path);
    return { leftOut: "nothing" };
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || !liesAt(file, place)) return { leftOut: "nothing" };
    if (stat.size > LARGEST) return { leftOut: "too large" };
    const content = readFileSync(file);
    if (content.length > LARGEST) return { leftOut: "too large" };
    if (ATTRIBUTES.test(parts.at(-1) ?? "") && hasLongLine(content)) {
      return { leftOut: "a line that git refuses" };
    }
    return { mode: stat.mode & 0o100 ? "100755" : "100644", content };
  } finally {
    closeSync(file);
  }
}

/** Where the workspace really lies. */
export function workspaceRoot(folder: string): string {
  return realpathSync(folder);
}

function readLink(root: string, path: string): Read {
  const parent = posix.dirname(path);
  const name = Buffer.from(posix.basename(path), "latin1");
  const place = Buffer.concat([
    Buffer.from(root),
    Buffer.from(parent === "." ? "" : `/${parent}`, "latin1"),
  ]);
  let folder: number;
  try {
    folder = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return { leftOut: "nothing" };
  }
  try {
    if (!liesAt(folder, place)) return { leftOut: "nothing" };
    const content = readlinkSync(Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]), {
      encoding: "buffer",
    });
    const target = content.toString("latin1");
    const leads = posix.normalize(posix.join(parent, target));
    if (target.startsWith("/") || /^\.\.(\/|$)/.test(leads) || /^\.aihub(\/|$)/.test(leads)) {
      return { leftOut: "a link that leads out" };
    }
    // Servers refuse these as links: git itself reads them.
    if (/^\.git(modules|attributes|ignore)$/i.test(name.toString())) {
      return { leftOut: "a name that git refuses" };
    }
    return { mode: "120000", content };
  } catch {
    return { leftOut: "nothing" };
  } finally {
    closeSync(folder);
  }
}

function liesAt(file: number, place: Buffer): boolean {
  return readlinkSync(`/proc/self/fd/${file}`, { encoding: "buffer" }).equals(place);
}

/**
 * What some file system takes for `.git`, and what git takes for its list of submodules: a repository of files alone has
 * none, and servers refuse the whole push for an address in it that they do not like.
 */
const GIT_NAMES = /^(?:\.git|git~1|\.gitmodules|gitmod~[1-4]|gi7eba~[1-9])$/;
/** Attributes of files: no folder may be called so. */
const ATTRIBUTES = /^(?:\.gitattributes|gitatt~[1-4]|gi7d29~[1-9])$/;

/** Bytes from which servers refuse the whole push for a line of attributes. */
const LONG_LINE = 2048;

function hasLongLine(content: Buffer): boolean {
  return content
    .toString("latin1")
    .split("\n")
    .some((line) => line.length >= LONG_LINE);
}

/** A name as file systems read it that leave out some of its characters. */
function asOthersRead(part: string): string {
  return Buffer.from(part, "latin1")
    .toString()
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, "")
    .replace(/:.*$/s, "")
    .replace(/[. ]+$/, "")
    .toLowerCase();
}

/** The folder inside the workspace that holds what the server keeps; no tool reaches it. */
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { failedWith, ToolError } from "../tools/tool-error.ts";
import type { Confinement, PinnedDirectory } from "./confinement.ts";
import { joinPath, STATE } from "./paths.ts";

/** What may be a link all the same: it is never written through one, and secrets are often put into place so. */
const TOKENS = "tokens.json";

/** For something in the trash, or an unfinished file. */
export function newName(): string {
  return randomBytes(12).toString("hex");
}

export class StateFolder {
  /** Absolute path of a file in it. */
  readonly file: (name: string) => string;
  /** Unfinished writes. On the workspace's file system, so that a rename puts them into place. */
  readonly temporary: PinnedDirectory;
  /** Folders and large files that were deleted or replaced. */
  readonly trash: PinnedDirectory;
  readonly #objects: PinnedDirectory;
  readonly #made = new Set<string>();

  /**
   * Makes what is missing. Throws an Error for people when the workspace cannot be written, or when something in the folder is
   * a link: SQLite and others would follow it and write outside the workspace.
   */
  constructor(files: Confinement) {
    this.file = (name) => `${files.root}/${STATE}/${name}`;
    try {
      using root = files.directory(".");
      makeDirectory(root.entry(STATE));
      using state = root.child(STATE);
      refuseLinks(state, TOKENS);
      const part = (name: string) => {
        makeDirectory(state.entry(name));
        return state.child(name);
      };
      this.temporary = part("unfinished");
      this.trash = part("trash");
      this.#objects = part("objects");
      refuseLinks(this.#objects);
    } catch (error) {
      const folder = `${files.root}/${STATE}, where the server keeps history and trash,`;
      if (error instanceof ToolError) throw new Error(`${folder} cannot be used: ${error.message}`);
      throw new Error(
        `${folder} cannot be used: ${(error as Error).message}. The server's user must be able to write the workspace.`,
      );
    }
  }

  /** Where content with this hash is kept, for a system call; its folder is made. */
  object(hash: string): string {
    const folder = this.#objects.entry(hash.slice(0, 2));
    if (!this.#made.has(folder)) {
      makeDirectory(folder);
      this.#made.add(folder);
    }
    return `${folder}/${hash}`;
  }

  /** Whether content with this hash is kept. */
  has(hash: string): boolean {
    return existsSync(this.#objects.entry(`${hash.slice(0, 2)}/${hash}`));
  }

  /** Hashes of all content that is kept. */
  objects(): string[] {
    return readdirSync(this.#objects.entry(".")).flatMap((folder) =>
      readdirSync(this.#objects.entry(folder)),
    );
  }

  /** Removes unfinished writes. To be called when no process is changing the workspace. */
  sweep(): void {
    for (const name of readdirSync(this.temporary.entry(".")))
      unlinkSync(this.temporary.entry(name));
  }

  close(): void {
    for (const directory of [this.temporary, this.trash, this.#objects])
      directory[Symbol.dispose]();
  }
}

/** Throws ToolError when anything in the directory but `allowed` is a link. */
function refuseLinks(directory: PinnedDirectory, allowed?: string): void {
  const link = readdirSync(directory.entry("."), { withFileTypes: true }).find(
    (entry) => entry.isSymbolicLink() && entry.name !== allowed,
  );
  if (link) throw isLink(joinPath(directory.path, link.name));
}

/** Throws ToolError when a link is there: what is put into the directory would land outside. */
function makeDirectory(place: string): void {
  try {
    mkdirSync(place, 0o700);
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
    if (lstatSync(place).isSymbolicLink()) throw isLink(place);
  }
}

function isLink(path: string): ToolError {
  return new ToolError(
    `"${path}" is a symbolic link, which could lead outside the workspace. Remove it; --state puts tokens and audit log elsewhere.`,
  );
}

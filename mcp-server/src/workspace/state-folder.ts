/** The folder inside the workspace that holds what the server keeps; no tool reaches it. */
import { existsSync, mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { failedWith } from "../tools/tool-error.ts";
import type { Confinement, PinnedDirectory } from "./confinement.ts";
import { STATE } from "./paths.ts";

export class StateFolder {
  /** Absolute path of a file in it. */
  readonly file: (name: string) => string;
  /** Unfinished writes. On the workspace's file system, so that a rename puts them into place. */
  readonly temporary: PinnedDirectory;
  /** Folders and large files that were deleted or replaced. */
  readonly trash: PinnedDirectory;
  readonly #objects: PinnedDirectory;
  readonly #made = new Set<string>();

  /** Makes what is missing. Throws an Error for people when the workspace cannot be written. */
  constructor(files: Confinement) {
    this.file = (name) => `${files.root}/${STATE}/${name}`;
    try {
      using root = files.directory(".");
      makeDirectory(root.entry(STATE));
      using state = root.child(STATE);
      const part = (name: string) => {
        makeDirectory(state.entry(name));
        return state.child(name);
      };
      this.temporary = part("unfinished");
      this.trash = part("trash");
      this.#objects = part("objects");
    } catch (error) {
      throw new Error(
        `${files.root}/${STATE}, where the server keeps history and trash, cannot be used: ${(error as Error).message}. The server's user must be able to write the workspace.`,
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

function makeDirectory(place: string): void {
  try {
    mkdirSync(place, 0o700);
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
  }
}

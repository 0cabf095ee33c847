/** What .gitignore files leave out: those of a folder and of all folders above it, up to the project. */
import { readSync } from "node:fs";
import ignore, { type Ignore } from "ignore";
import type { PinnedDirectory } from "../workspace/confinement.ts";

export const IGNORE_FILE = ".gitignore";
/** Bytes; a longer one is none that a person wrote. */
const LONGEST = 256 * 1024;

export class IgnoreRules {
  readonly #above: IgnoreRules | undefined;
  /** Path of the folder that holds the file, with a slash at its end; empty for the workspace. */
  readonly #base: string;
  readonly #rules: Ignore;

  private constructor(above: IgnoreRules | undefined, base: string, rules: Ignore) {
    this.#above = above;
    this.#base = base;
    this.#rules = rules;
  }

  /** The rules that hold in a folder with a .gitignore. One that cannot be read adds none. */
  static in(directory: PinnedDirectory, above: IgnoreRules | undefined): IgnoreRules | undefined {
    let text: string;
    try {
      using file = directory.file(IGNORE_FILE);
      const bytes = Buffer.alloc(Math.min(file.stats.size, LONGEST));
      text = bytes.toString("utf8", 0, readSync(file.fd, bytes, 0, bytes.length, 0));
    } catch {
      return above;
    }
    const base = directory.path === "." ? "" : `${directory.path}/`;
    return new IgnoreRules(above, base, ignore({ ignorecase: false }).add(text));
  }

  /** Whether an entry is left out; the folders above it are taken not to be. */
  leaveOut(path: string, folder: boolean): boolean {
    const below = path.slice(this.#base.length);
    const { ignored, unignored } = this.#rules.test(folder ? `${below}/` : below);
    if (ignored || unignored) return ignored;
    return this.#above?.leaveOut(path, folder) ?? false;
  }
}

/** Content that the steps of a change put into files, until they are carried out: in memory, the rest in unfinished files. */
import { chmodSync, closeSync, constants, readFileSync, unlinkSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { failedWith } from "../tools/tool-error.ts";
import { writeUnfinished } from "./carry-out.ts";
import type { StagedStep } from "./planned-view.ts";
import { newName, type StateFolder } from "./state-folder.ts";

/** Bytes of content that one change holds in memory; the rest waits in unfinished files. */
const MOST_HELD = 32 * 1024 * 1024;

export class StagedContent {
  readonly #state: StateFolder;
  #held = 0;

  constructor(state: StateFolder) {
    this.#state = state;
  }

  /** Keeps the content that a step came with, in the step itself while there is room for it. */
  hold(step: StagedStep): void {
    const size = step.bytes?.length ?? 0;
    if (this.#held + size <= MOST_HELD) {
      this.#held += size;
      return;
    }
    closeSync(writeUnfinished(step, this.#state));
    delete step.bytes;
  }

  read({ bytes, temporary }: StagedStep): Buffer {
    return bytes ?? readFileSync(this.#state.temporary.entry(temporary as string));
  }

  /** Copies an open file, whatever its size. @returns name of the unfinished file */
  async copy(fd: number, mode: number): Promise<string> {
    const name = newName();
    const place = this.#state.temporary.entry(name);
    await copyFile(`/proc/self/fd/${fd}`, place, constants.COPYFILE_FICLONE);
    chmodSync(place, mode);
    return name;
  }

  /** Removes the unfinished file of a step that is not to be carried out. */
  drop({ temporary }: StagedStep): void {
    if (temporary === undefined) return;
    try {
      unlinkSync(this.#state.temporary.entry(temporary));
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
    }
  }
}

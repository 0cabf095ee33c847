/**
 * Room on the disk that is given up when the disk is full, so that what has been done can still be written down and a server
 * can still start.
 */
import { existsSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { failedWith } from "../tools/tool-error.ts";

const BYTES = 1024 * 1024;

export class Reserve {
  readonly #file: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = `${folder}/reserve`;
  }

  /** Runs `act` again with more room when the disk was too full for it. Throws what it throws then. */
  use<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!existsSync(this.#file)) throw error;
      if (!this.#isTight()) throw error;
      rmSync(this.#file);
      return act();
    }
  }

  /** Makes it again where there is plenty of room. */
  fill(): void {
    if (existsSync(this.#file)) return;
    const { bavail, bsize } = statfsSync(this.#folder);
    if (bavail * bsize < 4 * BYTES) return;
    try {
      // Never through a link, nor into what another process makes at the same time.
      writeFileSync(this.#file, Buffer.alloc(BYTES), { mode: 0o600, flag: "wx" });
    } catch (error) {
      if (failedWith(error, "EEXIST")) return;
      // Somebody else was quicker to use the room.
      rmSync(this.#file, { force: true });
    }
  }

  #isTight(): boolean {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize < BYTES;
  }
}

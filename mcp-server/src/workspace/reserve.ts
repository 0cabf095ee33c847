/**
 * Room on the disk that is given up when the disk is full, so that what has been done can still be written down and a server
 * can still start. Until there is room to make it again nothing new is begun, which would use it up.
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

  /** Before what is new is written. Throws the system's error for a full disk when it was given up and cannot be made again. */
  demand(): void {
    if (existsSync(this.#file)) return;
    this.fill();
    if (existsSync(this.#file)) return;
    throw Object.assign(new Error("no room is left but for ending what was begun"), {
      code: "ENOSPC",
    });
  }

  /** Makes it again where there is as much room beside it. */
  fill(): void {
    if (existsSync(this.#file)) return;
    const { bavail, bsize } = statfsSync(this.#folder);
    if (bavail * bsize < 2 * BYTES) return;
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

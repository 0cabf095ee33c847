/** Makes changed directories durable; changes of one directory at one time share an fsync. */
import { close, constants, fstatSync, fsync, openSync } from "node:fs";
import { promisify } from "node:util";
import { SharedSync } from "../history/shared-sync.ts";
import type { PinnedDirectory } from "./confinement.ts";

const [sync, shut] = [promisify(fsync), promisify(close)];

export class DirectorySync {
  readonly #open = new Map<number, { fd: number; shared: SharedSync; waiting: number }>();

  /** The directory may be closed as soon as this has been called. */
  async done(directory: PinnedDirectory): Promise<void> {
    const inode = fstatSync(directory.fd).ino;
    let entry = this.#open.get(inode);
    if (!entry) {
      const fd = openSync(directory.entry("."), constants.O_RDONLY | constants.O_DIRECTORY);
      entry = { fd, shared: new SharedSync(() => sync(fd)), waiting: 0 };
      this.#open.set(inode, entry);
    }
    entry.waiting++;
    try {
      await entry.shared.done();
    } finally {
      if (--entry.waiting === 0) {
        this.#open.delete(inode);
        await shut(entry.fd);
      }
    }
  }
}

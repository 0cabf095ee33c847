/** Reads whole files and knows their hashes. */
import { createHash, hash as hashOf } from "node:crypto";
import { readSync, type Stats } from "node:fs";
import { limits } from "../limits.ts";
import { ToolError } from "../tools/tool-error.ts";
import type { OpenFile } from "./confinement.ts";

export interface Content {
  bytes: Buffer;
  /** SHA-256 of the bytes, in hexadecimal digits. */
  etag: string;
  stats: Stats;
}

/** Files remembered; about 250 bytes each. */
const MOST_REMEMBERED = 20_000;
/** A file changed this shortly before it was read may change again with the same time stamp, milliseconds. */
const CLOCK_TICK = 20;

interface Remembered {
  device: number;
  size: number;
  mtime: number;
  ctime: number;
  etag: string;
}

/**
 * Hashes of file contents, remembered by inode, device, size and times as long as these cannot lie: a program that edits a file
 * may set its time of modification back, but not the time of its last change.
 */
export class Contents {
  readonly #remembered = new Map<number, Remembered>();

  /** Throws ToolError when the file has more than `most` bytes. */
  read(file: OpenFile, most: number): Content {
    if (file.stats.size > most) {
      throw new ToolError(
        `"${file.path}" has ${file.stats.size} bytes, more than the ${most} that can be taken at once.`,
      );
    }
    const started = Date.now();
    const bytes = readAll(file);
    const known = this.#known(file.stats);
    if (known !== undefined && bytes.length === file.stats.size)
      return { bytes, etag: known, stats: file.stats };
    const etag = contentHash(bytes);
    if (bytes.length === file.stats.size) this.#remember(file.stats, etag, started);
    return { bytes, etag, stats: file.stats };
  }

  /**
   * What tells one content of a file from another: the hash of its bytes, or, above `limits.write`, a name made of inode, size
   * and time of the last change, which a rename changes too.
   */
  etag(file: OpenFile): string {
    const { size, ino, ctimeMs } = file.stats;
    if (size > limits.write) return `stat-${ino}-${size}-${Math.round(ctimeMs * 1000)}`;
    return this.#known(file.stats) ?? this.read(file, limits.write).etag;
  }

  /** `started`: when its reading began. */
  #remember({ ino, dev, size, mtimeMs, ctimeMs }: Stats, etag: string, started: number): void {
    if (started - ctimeMs < CLOCK_TICK) return;
    this.#remembered.delete(ino);
    this.#remembered.set(ino, { device: dev, size, mtime: mtimeMs, ctime: ctimeMs, etag });
    if (this.#remembered.size > MOST_REMEMBERED) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
  }

  #known(stats: Stats): string | undefined {
    const remembered = this.#remembered.get(stats.ino);
    return remembered?.size === stats.size &&
      remembered.mtime === stats.mtimeMs &&
      remembered.ctime === stats.ctimeMs &&
      remembered.device === stats.dev
      ? remembered.etag
      : undefined;
  }
}

export function contentHash(bytes: Uint8Array): string {
  return bytes.length < 1_048_576
    ? hashOf("sha256", bytes, "hex")
    : createHash("sha256").update(bytes).digest("hex");
}

/** Also what was appended since the file's size was asked for is left out. */
function readAll(file: OpenFile): Buffer {
  const buffer = Buffer.allocUnsafe(file.stats.size);
  let filled = 0;
  while (filled < buffer.length) {
    const read = readSync(file.fd, buffer, filled, buffer.length - filled, filled);
    if (read === 0) break;
    filled += read;
  }
  return filled === buffer.length ? buffer : buffer.subarray(0, filled);
}

/** Archives whose bytes depend on their content alone: same files, same digest, on every machine. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

export interface ArchiveFile {
  content: string;
  /** Octal permission bits, default "0644". */
  mode?: string;
  uid?: number;
  gid?: number;
}

/** Files by their path inside the archive. */
export type Files = Record<string, ArchiveFile>;

/** First 16 hex digits of the SHA-256 over names, modes, owners and contents. */
export function digestOf(files: Files): string {
  const hash = createHash("sha256");
  for (const [path, file] of sorted(files)) {
    hash.update(
      JSON.stringify([path, file.mode ?? "0644", file.uid ?? 0, file.gid ?? 0, file.content]),
    );
  }
  return hash.digest("hex").slice(0, 16);
}

/** A gzipped tar as base64, so that it passes through any text channel. */
export async function archive(files: Files): Promise<string> {
  const tar = pack();
  for (const [path, file] of sorted(files)) {
    tar.entry(
      {
        name: path,
        mode: Number.parseInt(file.mode ?? "0644", 8),
        uid: file.uid ?? 0,
        gid: file.gid ?? 0,
        mtime: new Date(0),
      },
      file.content,
    );
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks), { level: 9 }).toString("base64");
}

function sorted(files: Files): [string, ArchiveFile][] {
  return Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
}

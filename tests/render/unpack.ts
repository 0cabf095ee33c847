import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";

export interface Entry {
  content: string;
  mode: number;
  uid: number;
}

/** The files of a base64 tar.gz by path. */
export async function unpack(archive: string): Promise<Record<string, Entry>> {
  const found: Record<string, Entry> = {};
  const tar = extract();
  tar.end(gunzipSync(Buffer.from(archive, "base64")));
  for await (const entry of tar) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    found[entry.header.name] = {
      content: Buffer.concat(chunks).toString(),
      mode: entry.header.mode ?? 0,
      uid: entry.header.uid ?? 0,
    };
  }
  return found;
}

/** What a restore would change among files: a snapshot's list beside what lies on the disk. Nothing is read but names, sizes, times. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { onDisk } from "./room.ts";

export interface Listing {
  path: string;
  type: string;
  size?: number | undefined;
  /** ISO 8601. */
  mtime?: string | undefined;
}

export interface Differences {
  added: string[];
  changed: string[];
  removed: string[];
  unchanged: number;
  /** By which the disk fills before what is removed goes. */
  bytes: number;
}

/** `listed`: absolute paths below `from` of the snapshot, which stand for the same ones below `target`. Folders are not told. */
export async function differences(
  listed: AsyncIterable<Listing>,
  { from, target, leftAlone = [] }: { from: string; target: string; leftAlone?: readonly string[] },
): Promise<Differences> {
  const found: Differences = { added: [], changed: [], removed: [], unchanged: 0, bytes: 0 };
  const alone = new Set(leftAlone);
  const isAlone = (path: string) => {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (alone.has(path.slice(0, end))) return true;
    }
    return false;
  };
  const seen = new Set<string>();
  for await (const node of listed) {
    if (!node.path.startsWith(`${from}/`)) continue;
    const path = node.path.slice(from.length);
    if (isAlone(path)) continue;
    seen.add(path);
    if (node.type === "dir") continue;
    const there = await lstat(join(target, path)).catch(() => undefined);
    if (there !== undefined && isSame(node, there)) {
      found.unchanged++;
      continue;
    }
    found[there === undefined ? "added" : "changed"].push(path);
    const before = there?.isFile() ? onDisk(Number(there.size)) : 0;
    found.bytes += Math.max(0, onDisk(node.size ?? 0) - before);
  }
  const walk = async (folder: string) => {
    const entries = await readdir(join(target, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (isAlone(path)) continue;
      if (entry.isDirectory()) await walk(path);
      // Sockets and pipes are nobody's data.
      else if (!seen.has(path) && (entry.isFile() || entry.isSymbolicLink()))
        found.removed.push(path);
    }
  };
  // What a link leads to is not what a restore puts aside.
  if ((await lstat(target).catch(() => undefined))?.isDirectory()) await walk("");
  return found;
}

export function isSame(node: Listing, there: Awaited<ReturnType<typeof lstat>>): boolean {
  if (node.type === "symlink") return there.isSymbolicLink();
  if (!there.isFile()) return false;
  // Past milliseconds the two sides count differently.
  return (
    Number(there.size) === (node.size ?? 0) &&
    (node.mtime === undefined ||
      Math.floor(Number(there.mtimeMs)) === Math.floor(Date.parse(node.mtime)))
  );
}

export interface Tally {
  added: number;
  changed: number;
  removed: number;
}

/** Counts by project, and by folder for what is no project: `workspace/notes`, `open-webui`. */
export function tally(found: Differences): Record<string, Tally> {
  const counts: Record<string, Tally> = {};
  for (const kind of ["added", "changed", "removed"] as const) {
    for (const path of found[kind]) {
      const [, top = "", second, third] = path.split("/");
      const name =
        top === "workspace" && second !== undefined && third !== undefined
          ? `${top}/${second}`
          : top;
      counts[name] ??= { added: 0, changed: 0, removed: 0 };
      counts[name][kind]++;
    }
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

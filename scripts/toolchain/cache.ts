/**
 * What is built or downloaded once per machine: one entry per hash of its inputs, complete or absent.
 * Everything here may be deleted at any time; it comes back by itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** A path inside the cache folder of this user: `$XDG_CACHE_HOME/aihub`, else `~/.cache/aihub`. */
export function cacheDir(...parts: string[]): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "aihub", ...parts);
}

/** The name of a thing made from these inputs and nothing else: 16 hexadecimal digits. Order matters. */
export function keyOf(inputs: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) {
    // The length keeps ["ab", "c"] and ["a", "bc"] apart.
    hash.update(`${Buffer.byteLength(input)}:`);
    hash.update(input);
  }
  return hash.digest("hex").slice(0, 16);
}

/** The key of a folder: names, contents and executable bits of all files in it, whatever their dates. */
export async function keyOfFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const names = files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const inputs: (string | Buffer)[] = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    const executable = ((await stat(path)).mode & 0o111) !== 0;
    inputs.push(name, executable ? "x" : "-", await readFile(path));
  }
  return keyOf(inputs);
}

/** One thing in the cache. Its path is `<cache>/<kind>/<name>-<key><extension>`. */
export interface Entry {
  /** Folder in the cache, for example "pulumi". */
  kind: string;
  name: string;
  key: string;
  /** With its dot; none for a folder. */
  extension?: string;
}

export function entryPath({ kind, name, key, extension = "" }: Entry): string {
  return cacheDir(kind, `${name}-${key}${extension}`);
}

/** True when the entry is there, complete. Marks it as used, so that older ones are removed before it. */
export async function has(entry: Entry): Promise<boolean> {
  const path = entryPath(entry);
  if (!existsSync(path)) return false;
  const now = new Date();
  await utimes(path, now, now);
  return true;
}

const KEPT_PER_NAME = 2;

/**
 * The path of the entry; when it is not there, `make` writes it (a file or a folder) at the path it gets,
 * next to its final place, and it is moved there when complete. A second process waits for the first.
 * All but the two entries of that name used last are then removed.
 */
export async function cached(
  entry: Entry,
  make: (target: string) => Promise<void>,
): Promise<string> {
  const path = entryPath(entry);
  if (await has(entry)) return path;
  return withLock(`${entry.kind}-${entry.name}`, async () => {
    if (await has(entry)) return path;
    await mkdir(dirname(path), { recursive: true });
    const unfinished = `.new-${entry.name}-`;
    for (const file of await readdir(dirname(path))) {
      // A run that was killed left it: this one holds the lock.
      if (file.startsWith(unfinished) && file.length === unfinished.length + 6) {
        await rm(join(dirname(path), file), { recursive: true, force: true });
      }
    }
    const workshop = await mkdtemp(join(dirname(path), unfinished));
    try {
      const target = join(workshop, "entry");
      await make(target);
      await rename(target, path);
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
    await removeOlder(entry);
    return path;
  });
}

async function removeOlder({ kind, name, extension = "" }: Entry): Promise<void> {
  const folder = cacheDir(kind);
  const found: { path: string; used: number }[] = [];
  for (const file of await readdir(folder)) {
    const named = file.startsWith(`${name}-`) && file.endsWith(extension);
    // "docker-<key>" must not count as an entry of a longer name such as "docker-20-04-<key>".
    const key = file.slice(name.length + 1, file.length - extension.length);
    if (!named || !/^[0-9a-f]{16}$/.test(key)) continue;
    const path = join(folder, file);
    found.push({ path, used: (await stat(path)).mtimeMs });
  }
  found.sort((a, b) => b.used - a.used);
  for (const { path } of found.slice(KEPT_PER_NAME)) {
    await rm(path, { recursive: true, force: true });
  }
}

/**
 * Runs `run` while no other process or caller holds the same lock; waits as long as that takes.
 * The kernel gives the lock back when this process ends, however it ends.
 */
export async function withLock<T>(name: string, run: () => Promise<T>): Promise<T> {
  const locks = cacheDir("locks");
  await mkdir(locks, { recursive: true });
  const holder = spawn("flock", [join(locks, name), "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    await held(holder);
    return await run();
  } finally {
    holder.stdin?.end();
  }
}

async function held(holder: ChildProcess): Promise<void> {
  const ended = once(holder, "exit").then(([code]) => {
    throw new Error(`flock ended with ${code}`);
  });
  // Its end after the lock was given back is expected and nobody waits for it.
  ended.catch(() => {});
  if (holder.stdout) await Promise.race([once(holder.stdout, "data"), ended]);
}

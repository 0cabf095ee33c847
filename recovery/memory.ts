/** What the recovery program remembers between its runs, on the volume, so that it outlives the host. */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RECOVERY } from "./place.ts";

/** @returns undefined when there is none or it cannot be read as JSON */
export async function recall<T>(name: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(join(RECOVERY, `${name}.json`), "utf8")) as T;
  } catch {
    return undefined;
  }
}

/** A kill leaves the old one or the new one, whole. */
export async function remember(name: string, value: unknown): Promise<void> {
  await writeWhole(join(RECOVERY, `${name}.json`), `${JSON.stringify(value, null, 2)}\n`, 0o600);
}

/** Writes a file by way of another name, and sees it on the disk before the name is given. `group`: who else reads it. */
export async function writeWhole(
  path: string,
  text: string,
  mode: number,
  group?: number,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const next = `${path}.${process.pid}`;
  const file = await open(next, "w", mode);
  try {
    await file.writeFile(text);
    if (group !== undefined) await file.chown(0, group);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
}

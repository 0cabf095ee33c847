/** What this machine's disk and Node can do at best, without a server: the limits that no server goes beyond. */
import { readdirSync, readFileSync } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { Work } from "./measure.ts";
import { fourKib } from "./trees.ts";

export function rawRead(folder: string): Work {
  const file = join(folder, "work", "4k.txt");
  return () => readFile(file);
}

export function rawReadSync(folder: string): Work {
  const file = join(folder, "work", "4k.txt");
  return () => readFileSync(file);
}

/** Writes beside the file and renames; `durable` syncs the file and its folder as well. */
export function rawWrite(folder: string, name: string, durable: boolean): Work {
  const file = join(folder, "work", name);
  return async (turn) => {
    const handle = await open(`${file}.new`, "w");
    await handle.writeFile(fourKib(`${turn}`));
    if (durable) await handle.sync();
    await handle.close();
    await rename(`${file}.new`, file);
    if (durable) await syncDirectory(join(folder, "work"));
  };
}

async function syncDirectory(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync();
  await handle.close();
}

export function rawList(folder: string): Work {
  return () => readdirSync(join(folder, "flat"), { withFileTypes: true });
}

/** ripgrep as a process, the way that programs call it. */
export function ripgrep(folder: string, ...args: string[]): Work {
  return async () => {
    const { stdout } = await execa("rg", args, { cwd: folder });
    if (stdout === "") throw new Error(`rg ${args.join(" ")} found nothing`);
  };
}

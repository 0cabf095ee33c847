/** The files that are read, listed and searched. */
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, keyOf } from "../scripts/toolchain/cache.ts";

/** Part of some files' names; and of some files' contents. */
export const needle = "needle";
export const phrase = "phrase to be found";

const sizes = {
  /** Files; folders; bytes of each. */
  five: [5_000, 220, 2_048],
  hundred: [100_000, 2_500, 256],
} as const;
export type Size = keyof typeof sizes;

/** Folder with a project of each size, and "flat" with 1,000 files. Made once per machine; "work" is made anew each time. */
export async function workspace(): Promise<string> {
  const folder = await cached(
    { kind: "bench", name: "workspace", key: keyOf([JSON.stringify(sizes), "3"]) },
    async (target) => {
      for (const [name, [files, folders, bytes]] of Object.entries(sizes))
        await plant(join(target, name), files, folders, bytes);
      await mkdir(join(target, "flat"));
      for (let file = 0; file < 1_000; file++)
        await writeFile(join(target, "flat", `file-${String(file).padStart(4, "0")}.ts`), "x\n");
    },
  );
  for (const name of await readdir(folder)) {
    if (!(name in sizes) && name !== "flat")
      await rm(join(folder, name), { recursive: true, force: true });
  }
  await mkdir(join(folder, "work"));
  await writeFile(join(folder, "work", "4k.txt"), fourKib("r"));
  return folder;
}

export function filesOf(size: Size): number {
  return sizes[size][0];
}

/** 64 lines of 64 bytes, the first of which begins with `start`. */
export function fourKib(start: string): string {
  return `${start.padEnd(63, ".")}\n${`${"x".repeat(63)}\n`.repeat(63)}`;
}

async function plant(root: string, files: number, folders: number, bytes: number): Promise<void> {
  const line = "const value = compute(left, right, options); // nothing\n";
  const text = line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - 1);
  let made = 0;
  for (let folder = 0; folder < folders; folder++) {
    const place = join(root, `area-${folder % 20}`, `part-${folder}`);
    if (!existsSync(place)) await mkdir(place, { recursive: true });
    const upTo = Math.round(((folder + 1) * files) / folders);
    await Promise.all(
      Array.from({ length: upTo - made }, (_, index) => {
        const number = made + index;
        const name = number % 1000 === 500 ? `the-${needle}-${number}.ts` : `module-${number}.ts`;
        const content =
          number % 500 === 250 ? `${text.slice(0, bytes - 40)}\n// ${phrase}\n` : `${text}\n`;
        return writeFile(join(place, name), content);
      }),
    );
    made = upTo;
  }
}

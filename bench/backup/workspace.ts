/** A workspace and a database's dump to back up, made of the same random numbers in each run, and what a day changes in them. */
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface Size {
  files: number;
  /** Bytes of the dump. */
  dump: number;
}

export interface Workspace {
  folder: string;
  /** Paths in it. */
  paths: string[];
  bytes: number;
  random: Random;
}

/** 0 to 1, the same sequence in each run. */
export type Random = () => number;

/** Bytes of a file on the average, and how often there is one: 25 KiB over all. */
const kinds = [
  { name: "ts", share: 0.85, bytes: 6_000, text: true },
  { name: "json", share: 0.1, bytes: 60_000, text: true },
  { name: "png", share: 0.05, bytes: 280_000, text: false },
];
const ROW = 1_000;

export async function makeWorkspace(folder: string, { files }: Size): Promise<Workspace> {
  const random = randomFrom(6);
  const text = source(random, 16_000_000);
  const noise = Buffer.from(Uint8Array.from({ length: 16_000_000 }, () => random() * 256));
  const paths: string[] = [];
  let bytes = 0;
  for (let index = 0; index < files; index++) {
    const kind = pick(random());
    // From a fifth of the average to almost twice of it.
    const size = Math.round(kind.bytes * (0.2 + 1.6 * random()));
    const pool = kind.text ? text : noise;
    const from = Math.floor(random() * (pool.length - size));
    const project = join(`project-${index % 20}`, `area-${index % 400}`);
    if (index < 400) await mkdir(join(folder, project), { recursive: true });
    const path = join(project, `file-${index}.${kind.name}`);
    const content = Buffer.concat([Buffer.from(`// ${index}\n`), pool.subarray(from, from + size)]);
    await writeFile(join(folder, path), content);
    paths.push(path);
    bytes += content.length;
  }
  return { folder, paths, bytes, random };
}

/** By the shares, from 0 to 1. */
function pick(at: number) {
  let until = 0;
  for (const kind of kinds) {
    until += kind.share;
    if (at < until) return kind;
  }
  return kinds[0] as (typeof kinds)[0];
}

/** Words as often as in a language, in lines with indentation: gzip makes a quarter to a third of it. */
function source(random: Random, length: number): Buffer {
  const letters = "etaoinshrdlucmfwypvbgkjqxz";
  const words = Array.from({ length: 4_000 }, () =>
    Array.from(
      { length: 2 + Math.floor(random() * 8) },
      () => letters[Math.floor(random() ** 2 * 26)],
    ).join(""),
  );
  const marks = [" ", " ", " ", "(", ") ", ".", ", ", ";\n  ", " = ", " {\n    ", "\n"];
  const parts: string[] = [];
  for (let size = 0; size < length; ) {
    const part = `${words[Math.floor(random() ** 3 * words.length)]}${marks[Math.floor(random() * marks.length)]}`;
    parts.push(part);
    size += part.length;
  }
  return Buffer.from(parts.join("").slice(0, length));
}

/** An edit in the middle of one file in a hundred, of any kind. @returns the last one edited */
export async function editFiles({ folder, paths, random }: Workspace): Promise<string> {
  let path = "";
  for (let count = 0; count < paths.length / 100; count++) {
    path = paths[Math.floor(random() * paths.length)] as string;
    const content = await readFile(join(folder, path));
    const at = Math.floor(random() * content.length);
    const edit = Buffer.from(`edited ${random()}\n`);
    await writeFile(
      join(folder, path),
      Buffer.concat([content.subarray(0, at), edit, content.subarray(at)]),
    );
  }
  return path;
}

/** Rows of a dump in memory, oldest first, each of about 1,000 bytes. */
export function makeRows(random: Random, bytes: number): string[] {
  const text = source(random, 4_000_000).toString();
  return Array.from({ length: Math.round(bytes / ROW) }, (_, index) => row(random, text, index));
}

function row(random: Random, text: string, index: number): string {
  const id = Buffer.from(Array.from({ length: 16 }, () => random() * 256)).toString("hex");
  const at = Math.floor(random() * (text.length - ROW));
  const content = text.slice(at, at + ROW - 80).replaceAll("\n", "\\n");
  return `${id}\t${index}\tuser-${Math.floor(random() * 50)}\t{"content": "${content}"}\n`;
}

/**
 * Changes one row in a hundred. "recent": of the last twentieth, and they move to the end, as a chat's table does whose
 * newest chats go on. "anywhere": where they are.
 */
export function editRows(rows: string[], random: Random, where: "recent" | "anywhere"): void {
  const count = Math.max(1, Math.round(rows.length / 100));
  for (let done = 0; done < count; done++) {
    const among = where === "recent" ? Math.ceil(rows.length / 20) : rows.length;
    const at = rows.length - 1 - Math.floor(random() * among);
    const changed = (rows[at] as string).replace('{"content": "', `$&edited ${random()} `);
    if (where === "anywhere") rows[at] = changed;
    else {
      rows.splice(at, 1);
      rows.push(changed);
    }
  }
}

export async function writeDump(path: string, rows: readonly string[]): Promise<void> {
  await rm(path, { force: true });
  const text = function* () {
    yield "COPY public.chat (id, created_at, user_id, chat) FROM stdin;\n";
    for (let at = 0; at < rows.length; at += 1_000) yield rows.slice(at, at + 1_000).join("");
    yield "\\.\n";
  };
  await pipeline(Readable.from(text()), createWriteStream(path));
}

function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

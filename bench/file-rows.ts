/** Rows about single files: reading, writing, editing. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GATEWAY, OFFICIAL, OURS, over, type Servers, workers } from "./contenders.ts";
import { rawRead, rawReadSync, rawWrite } from "./limits.ts";
import { type Figure, type MeasureOptions, measure, type Work } from "./measure.ts";
import { type Row, times } from "./row.ts";
import type { Subject } from "./subjects.ts";
import { fourKib } from "./trees.ts";
import type { Line } from "./wire.ts";

export async function reads(
  folder: string,
  { ours, official, gateway }: Servers,
  calls: number,
  options: MeasureOptions,
): Promise<Row> {
  const path = join(folder, "work", "4k.txt");
  const figures = await measure(
    [
      {
        name: OFFICIAL,
        workers: await workers(official, calls, (line) => line.call("read_text_file", { path })),
      },
      {
        name: OURS,
        workers: await workers(ours, calls, (line) =>
          line.call("read_code", { project: "work", path: "4k.txt", line_numbers: false }),
        ),
      },
      {
        name: GATEWAY,
        workers: await workers(gateway, calls, (line) => line.call("read_text_file", { path })),
      },
      { name: "fs.readFile", workers: many(calls, () => rawRead(folder)) },
      ...(calls === 1 ? [{ name: "fs.readFileSync", workers: [rawReadSync(folder)] }] : []),
    ],
    options,
  );
  const ratio = over(figures, OFFICIAL);
  const p50 = (figures.find(({ name }) => name === OURS) as Figure).p50;
  return {
    name: `read 4 KiB, ${calls} at a time`,
    figures,
    target:
      calls === 1
        ? { text: "p50 at most 0.20 ms", reached: p50 <= 0.2, found: `${p50.toFixed(2)} ms` }
        : { text: "at least 2x the official server", reached: ratio >= 2, found: times(ratio) },
  };
}

export async function writes(
  folder: string,
  { ours, official, gateway }: Servers,
  calls: number,
  options: MeasureOptions,
): Promise<Row> {
  const theirs = (name: string) => (line: Line, turn: number, worker: number) =>
    line.call("write_file", {
      path: join(folder, "work", `${name}-${worker}.txt`),
      content: fourKib(`${turn}`),
    });
  const figures = await measure(
    [
      { name: OFFICIAL, workers: await workers(official, calls, theirs("official")) },
      {
        name: OURS,
        workers: await workers(ours, calls, (line, turn, worker) =>
          line.call("write_code", {
            project: "work",
            path: `ours-${worker}.txt`,
            content: fourKib(`${turn}`),
          }),
        ),
      },
      { name: GATEWAY, workers: await workers(gateway, calls, theirs("gateway")) },
      { name: "fs, durable", workers: many(calls, (one) => rawWrite(folder, `raw-${one}`, true)) },
      {
        name: "fs, not durable",
        workers: many(calls, (one) => rawWrite(folder, `fast-${one}`, false)),
      },
    ],
    options,
  );
  const ratio = over(figures, OFFICIAL);
  return {
    name: `write 4 KiB, ${calls} at a time (ours durable and with history, theirs not)`,
    figures,
    ...(calls === 16 && {
      target: { text: "at least 1x the official server", reached: ratio >= 1, found: times(ratio) },
    }),
  };
}

/** 20 edits of one file at once, each of its own line: how many are in the file afterwards. */
export async function edits(folder: string, { ours, official }: Servers): Promise<Row> {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index} before\n`);
  const kept = async (
    name: string,
    edit: (line: Line, index: number) => Promise<unknown>,
    subject: Subject,
  ) => {
    const file = join(folder, "work", name);
    const open = await subject.lines(20);
    await open[0]?.call(...writeOf(name, file, lines.join(""), subject === ours));
    await Promise.allSettled(open.map((line, index) => edit(line, index)));
    return ((await readFile(file, "utf8")).match(/after/g) ?? []).length;
  };
  const change = (index: number) => [`line ${index} before`, `line ${index} after`];
  const ourCount = await kept(
    "edits-ours.txt",
    (line, index) => {
      const [old_text, new_text] = change(index);
      return line.call("edit_code", {
        project: "work",
        path: "edits-ours.txt",
        edits: [{ old_text, new_text }],
      });
    },
    ours,
  );
  const theirCount = await kept(
    "edits-official.txt",
    (line, index) => {
      const [oldText, newText] = change(index);
      return line.call("edit_file", {
        path: join(folder, "work", "edits-official.txt"),
        edits: [{ oldText, newText }],
      });
    },
    official,
  );
  return {
    name: "20 edits of one file at once",
    figures: [],
    note: `kept: ours ${ourCount}, official ${theirCount}`,
    target: { text: "20 of 20 kept", reached: ourCount === 20, found: `${ourCount}` },
  };
}

function writeOf(name: string, file: string, content: string, ours: boolean): [string, object] {
  return ours
    ? ["write_code", { project: "work", path: name, content }]
    : ["write_file", { path: file, content }];
}

function many(calls: number, make: (index: number) => Work): Work[] {
  return Array.from({ length: calls }, (_, index) => make(index));
}

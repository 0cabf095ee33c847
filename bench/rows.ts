/** What is measured, and what is to be reached. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { rawList, rawRead, rawReadSync, rawWrite, ripgrep } from "./limits.ts";
import { type Figure, type MeasureOptions, measure, median, type Work } from "./measure.ts";
import { openAndDrop } from "./sessions.ts";
import {
  type StartOptions,
  type Subject,
  startOfficial,
  startOurs,
  startSupergateway,
} from "./subjects.ts";
import type { Peers } from "./tools.ts";
import { filesOf, fourKib, needle, phrase } from "./trees.ts";
import type { Line } from "./wire.ts";

export interface Row {
  name: string;
  figures: Figure[];
  /** Bytes of one answer, by contender. */
  bytes?: Record<string, number>;
  target?: Target;
  /** What else was found. */
  note?: string;
}

export interface Target {
  /** In words. */
  text: string;
  reached: boolean;
  /** The figure that decides, in words. */
  found: string;
}

export interface RunOptions extends StartOptions {
  quick: boolean;
  /** Told what is being measured. */
  note: (line: string) => void;
}

export const OURS = "ours (HTTP, token)";
export const OFFICIAL = "official (stdio)";
export const GATEWAY = "supergateway (HTTP)";

interface Servers {
  ours: Subject;
  official: Subject;
  gateway: Subject;
}

/** Starts all servers, measures, stops them. */
export async function run(folder: string, peers: Peers, options: RunOptions): Promise<Row[]> {
  const ours = await startOurs(folder, options);
  const official = await startOfficial(folder, peers);
  const gateway = await startSupergateway(folder, peers);
  try {
    const rows: Row[] = [];
    const add = (row: Row) => {
      rows.push(row);
      options.note(
        `${row.name}: ${row.figures.map(({ name, perSecond, ratio }) => `${name} ${rate(perSecond)} (${ratio.toFixed(2)}x)`).join(", ")}${row.note ? `; ${row.note}` : ""}`,
      );
    };
    const servers = { ours, official, gateway };
    const limits: MeasureOptions = options.quick
      ? { rounds: 3, slice: 400 }
      : { rounds: 9, slice: 1_000 };
    const slow: MeasureOptions = options.quick
      ? { rounds: 3, slice: 300 }
      : { rounds: 7, slice: 600 };
    const memoryAtStart = ours.memory();
    for (const calls of [1, 16]) add(await reads(folder, servers, calls, limits));
    for (const calls of [1, 16]) add(await writes(folder, servers, calls, limits));
    add(await lists(folder, servers, limits));
    add(await names(folder, servers, slow));
    add(await contents(folder, servers, slow));
    add(await trees(folder, servers, slow));
    for (const row of await hundredThousand(servers, slow)) add(row);
    add(await edits(folder, servers));
    add(await toolLists(servers));
    add(await memory(ours, memoryAtStart, options.quick ? 1_000 : 10_000));
    return rows;
  } finally {
    await Promise.all([ours.stop(), official.stop(), gateway.stop()]);
  }
}

export function rate(perSecond: number): string {
  return perSecond >= 100 ? `${Math.round(perSecond)}/s` : `${perSecond.toPrecision(3)}/s`;
}

async function workers(
  subject: Subject,
  calls: number,
  act: (line: Line, turn: number, worker: number) => Promise<unknown>,
): Promise<Work[]> {
  const lines = await subject.lines(calls);
  return lines.map((line, worker) => (turn) => act(line, turn, worker));
}

function many(calls: number, make: (index: number) => Work): Work[] {
  return Array.from({ length: calls }, (_, index) => make(index));
}

/** Of our calls a second to another contender's. */
function over(figures: readonly Figure[], name: string): number {
  const [ours, other] = [OURS, name].map((one) => figures.find((figure) => figure.name === one));
  return (ours as Figure).ratio / (other as Figure).ratio;
}

async function reads(
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

async function writes(
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

async function lists(
  folder: string,
  { ours, official, gateway }: Servers,
  options: MeasureOptions,
): Promise<Row> {
  const path = join(folder, "flat");
  const list = (line: Line) => line.call("list_files", { project: "flat", limit: 1000 });
  const theirs = (line: Line) => line.call("list_directory", { path });
  const figures = await measure(
    [
      { name: OFFICIAL, workers: await workers(official, 16, theirs) },
      { name: OURS, workers: await workers(ours, 16, list) },
      { name: GATEWAY, workers: await workers(gateway, 16, theirs) },
      { name: "fs.readdirSync", workers: [rawList(folder)] },
    ],
    options,
  );
  const bytes = {
    [OURS]: await list((await ours.lines(1))[0] as Line),
    [OFFICIAL]: await theirs((await official.lines(1))[0] as Line),
  };
  const share = (bytes[OURS] as number) / (bytes[OFFICIAL] as number);
  const ratio = over(figures, OFFICIAL);
  return {
    name: "list 1,000 entries, 16 at a time",
    figures,
    bytes,
    target: {
      text: "at least 1.2x the official server, at most 50 % of its bytes",
      reached: ratio >= 1.2 && share <= 0.5,
      found: `${times(ratio)}, ${percent(share)}`,
    },
  };
}

const findAll = (project: string) => ({ project, glob: `**/*${needle}*`, limit: 100 });
const searchAll = (project: string) => ({ project, query: phrase, limit: 100 });

async function names(
  folder: string,
  { ours, official, gateway }: Servers,
  options: MeasureOptions,
): Promise<Row> {
  const theirs = (line: Line) =>
    line.call("search_files", { path: join(folder, "five"), pattern: `**/*${needle}*` });
  const figures = await measure(
    [
      { name: OFFICIAL, workers: await workers(official, 1, theirs) },
      {
        name: OURS,
        workers: await workers(ours, 1, (line) => line.call("find_files", findAll("five"))),
      },
      { name: GATEWAY, workers: await workers(gateway, 1, theirs) },
      {
        name: "rg --files",
        workers: [ripgrep(folder, "--files", "-g", `*${needle}*`, "five")],
      },
    ],
    options,
  );
  const ratio = over(figures, OFFICIAL);
  return {
    name: "find a name in 5,000 files",
    figures,
    target: { text: "at least 20x the official server", reached: ratio >= 20, found: times(ratio) },
  };
}

async function contents(folder: string, { ours }: Servers, options: MeasureOptions): Promise<Row> {
  const rg = "rg --json -F";
  const figures = await measure(
    [
      {
        name: rg,
        workers: [ripgrep(folder, "--json", "-F", phrase, "five")],
      },
      {
        name: OURS,
        workers: await workers(ours, 1, (line) => line.call("search_code", searchAll("five"))),
      },
      {
        name: "rg -F",
        workers: [ripgrep(folder, "-F", phrase, "five")],
      },
    ],
    options,
  );
  const time = 1 / over(figures, rg);
  return {
    name: "search the content of 5,000 files",
    figures,
    target: { text: "at most 1.3x the time of ripgrep", reached: time <= 1.3, found: times(time) },
  };
}

async function trees(
  folder: string,
  { ours, official, gateway }: Servers,
  options: MeasureOptions,
): Promise<Row> {
  const path = join(folder, "five");
  let pages = 0;
  const whole = async (line: Line) => {
    let bytes = 0;
    let cursor: string | undefined;
    pages = 0;
    do {
      const answer = await line.ask("tools/call", {
        name: "tree",
        arguments: { project: "five", ...(cursor === undefined ? {} : { cursor }) },
      });
      bytes += answer.bytes;
      pages++;
      cursor = (answer.result.structuredContent as { next_cursor?: string } | undefined)
        ?.next_cursor;
    } while (cursor !== undefined);
    return bytes;
  };
  const theirs = (line: Line) => line.call("directory_tree", { path });
  const figures = await measure(
    [
      { name: OFFICIAL, workers: await workers(official, 1, theirs) },
      { name: OURS, workers: await workers(ours, 1, whole) },
      { name: GATEWAY, workers: await workers(gateway, 1, theirs) },
    ],
    options,
  );
  const bytes = {
    [OURS]: await whole((await ours.lines(1))[0] as Line),
    [OFFICIAL]: await theirs((await official.lines(1))[0] as Line),
  };
  const share = (bytes[OURS] as number) / (bytes[OFFICIAL] as number);
  return {
    name: "tree of 5,000 files, all pages",
    figures,
    bytes,
    note: `${pages} pages`,
    target: {
      text: "at most 25 % of the official server's bytes",
      reached: share <= 0.25,
      found: percent(share),
    },
  };
}

async function hundredThousand({ ours }: Servers, options: MeasureOptions): Promise<Row[]> {
  const kinds: [string, string, (project: string) => object][] = [
    ["list", "list_files", (project) => ({ project, path: "area-0" })],
    ["find", "find_files", findAll],
    ["search", "search_code", searchAll],
    ["tree", "tree", (project) => ({ project })],
  ];
  const rows: Row[] = [];
  for (const [kind, tool, args] of kinds) {
    const [small, large] = ["5,000 files", "100,000 files"];
    const figures = await measure(
      [
        {
          name: small as string,
          workers: await workers(ours, 1, (line) => line.call(tool, args("five"))),
        },
        {
          name: large as string,
          workers: await workers(ours, 1, (line) => line.call(tool, args("hundred"))),
        },
      ],
      options,
    );
    const perFile = 1 / (figures[1] as Figure).ratio / (filesOf("hundred") / filesOf("five"));
    rows.push({
      name: `${kind}, first page, ours`,
      figures,
      target: {
        text: "per file at most 10x the time of 5,000 files",
        reached: perFile <= 10,
        found: times(perFile),
      },
    });
  }
  return rows;
}

/** 20 edits of one file at once, each of its own line: how many are in the file afterwards. */
async function edits(folder: string, { ours, official }: Servers): Promise<Row> {
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

async function toolLists({ ours, official }: Servers): Promise<Row> {
  const sizeOf = async (subject: Subject) => {
    const { bytes, result } = await ((await subject.lines(1))[0] as Line).ask("tools/list", {});
    return { bytes, count: (result.tools as unknown[]).length };
  };
  const [mine, theirs] = [await sizeOf(ours), await sizeOf(official)];
  return {
    name: "tools/list",
    figures: [],
    bytes: { [OURS]: mine.bytes, [OFFICIAL]: theirs.bytes },
    note: `${mine.count} tools and ${theirs.count}`,
    target: {
      text: "at most 16 KiB",
      reached: mine.bytes <= 16 * 1024,
      found: `${mine.bytes} bytes`,
    },
  };
}

async function memory(ours: Subject, atStart: number, sessions: number): Promise<Row> {
  const samples: number[] = [];
  for (let part = 0; part < 5; part++) {
    await openAndDrop(ours, sessions / 5);
    samples.push(ours.memory());
  }
  const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
  const grown = (samples.at(-1) as number) - median(samples.slice(0, 3));
  return {
    name: `memory, and after ${sessions} sessions opened and dropped`,
    figures: [],
    note: `at start ${mib(atStart)}; after each fifth ${samples.map(mib).join(", ")}`,
    target: {
      text: "at most 90 MB idle, and flat",
      reached: atStart <= 90e6 && grown < 10e6,
      found: `${Math.round(atStart / 1e6)} MB, ${grown < 10e6 ? "flat" : `grows by ${mib(grown)}`}`,
    },
  };
}

function times(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}x`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

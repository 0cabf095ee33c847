/** What is measured, and what is to be reached. */
import { OFFICIAL, OURS, type Servers } from "./contenders.ts";
import { edits, reads, writes } from "./file-rows.ts";
import { type MeasureOptions, median } from "./measure.ts";
import { type Row, rate } from "./row.ts";
import { openAndDrop } from "./sessions.ts";
import {
  type StartOptions,
  type Subject,
  startOfficial,
  startOurs,
  startSupergateway,
} from "./subjects.ts";
import type { Peers } from "./tools.ts";
import { contents, hundredThousand, lists, names, trees } from "./tree-rows.ts";
import type { Line } from "./wire.ts";

export interface RunOptions extends StartOptions {
  quick: boolean;
  /** Told what is being measured. */
  note: (line: string) => void;
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

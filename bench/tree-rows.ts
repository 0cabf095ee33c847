/** Rows about many files: listing, finding, searching, showing as a tree. */
import { join } from "node:path";
import { GATEWAY, OFFICIAL, OURS, over, type Servers, workers } from "./contenders.ts";
import { rawList, ripgrep } from "./limits.ts";
import { type Figure, type MeasureOptions, measure } from "./measure.ts";
import { percent, type Row, times } from "./row.ts";
import { filesOf, needle, phrase } from "./trees.ts";
import type { Line } from "./wire.ts";

export async function lists(
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

export async function names(
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

export async function contents(
  folder: string,
  { ours }: Servers,
  options: MeasureOptions,
): Promise<Row> {
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

export async function trees(
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

export async function hundredThousand({ ours }: Servers, options: MeasureOptions): Promise<Row[]> {
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

/** What a day's backup costs, from the days of one run. */
import { median } from "../measure.ts";
import type { Row } from "../row.ts";
import type { Cost } from "./contenders.ts";

export interface Day {
  theirs: Cost;
  ours: Cost;
  /** The same once more, with rows changed all over the database. */
  oursScattered: Cost;
  /** Seconds. */
  restore: { theirs: number; ours: number };
}

export interface Measured {
  files: number;
  /** Bytes. */
  workspace: number;
  dump: number;
  first: { theirs: Cost; ours: Cost };
  days: Day[];
}

/** Of what whole archives take. */
const MOST_BYTES = 0.01;
const MOST_TIME = 0.08;

export function rowsOf(measured: Measured): Row[] {
  const { days, first } = measured;
  const scattered = days.map(({ theirs, oursScattered }) => ({ theirs, ours: oursScattered }));
  return [
    {
      name: `first backup of ${measured.files} files, ${megabytes(measured.workspace)}, and a dump of ${megabytes(measured.dump)}`,
      figures: [],
      note: beside(first.theirs, first.ours),
    },
    bytes("bytes of a day that changes 1 % of files and of rows, the newest", days, true),
    bytes("bytes of such a day, rows changed anywhere", scattered, true),
    time("time of a day, rows the newest", days, "wall"),
    time("time of a day, rows anywhere", scattered, "wall"),
    time("CPU time of a day, rows the newest", days, "cpu"),
    {
      name: "restore of one file",
      figures: [],
      note: `tar.gz ${seconds(median(days.map(({ restore }) => restore.theirs)))}, recovery point ${seconds(median(days.map(({ restore }) => restore.ours)))}`,
    },
  ];
}

type Pair = { theirs: Cost; ours: Cost };

function bytes(name: string, days: readonly Pair[], targeted: boolean): Row {
  const share = median(days.map(({ theirs, ours }) => ours.bytes / theirs.bytes));
  const of = (who: keyof Pair) => megabytes(median(days.map((day) => day[who].bytes)));
  return {
    name,
    figures: [],
    note: `tar.gz and pg_dump.gz ${of("theirs")}, recovery point ${of("ours")}`,
    ...(targeted
      ? {
          target: {
            text: "at most 1 % of whole archives",
            reached: share <= MOST_BYTES,
            found: percent(share),
          },
        }
      : {}),
  };
}

function time(name: string, days: readonly Pair[], which: "wall" | "cpu"): Row {
  const share = median(days.map(({ theirs, ours }) => ours[which] / theirs[which]));
  const of = (who: keyof Pair) => seconds(median(days.map((day) => day[who][which])));
  return {
    name,
    figures: [],
    note: `tar.gz and pg_dump.gz ${of("theirs")}, recovery point ${of("ours")}`,
    target: {
      text: "at most 8 % of whole archives",
      reached: share <= MOST_TIME,
      found: percent(share),
    },
  };
}

function beside(theirs: Cost, ours: Cost): string {
  const told = ({ bytes, wall, cpu }: Cost) =>
    `${megabytes(bytes)} in ${seconds(wall)} (${seconds(cpu)} of CPU)`;
  return `tar.gz and pg_dump.gz ${told(theirs)}, recovery point ${told(ours)}`;
}

function megabytes(count: number): string {
  const number = count / 1e6;
  return `${number.toFixed(number < 10 ? 2 : 0)} MB`;
}

function seconds(time: number): string {
  return `${time.toFixed(time < 10 ? 2 : 0)} s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} %`;
}

/** What the gate costs, from the rounds of one run. */
import { median } from "../measure.ts";
import type { Row } from "../row.ts";

export type DoorName = "none" | "gate" | "chat";

/** What load.mjs prints. */
export interface Measured {
  files: {
    callers: number;
    round: number;
    door: DoorName;
    perSecond: number;
    /** Milliseconds. */
    p50: number;
    p99: number;
  }[];
  /** All of the editor's assets once, with 16 callers. */
  loads: { round: number; door: DoorName; ms: number }[];
  /** How many those are. */
  assets: number;
}

const named: Record<DoorName, string> = {
  none: "without a gate",
  gate: "gate",
  chat: "asking the chat each time",
};

/** Milliseconds that the gate may add at p50. */
const MOST_ADDED = 1;
/** Times what a first load takes without it. */
const MOST_LOAD = 1.2;

export function rowsOf(measured: Measured): Row[] {
  return [...[1, 16].map((callers) => latency(measured, callers)), firstLoad(measured)];
}

function latency({ files }: Measured, callers: number): Row {
  const of = (door: DoorName) =>
    files.filter((one) => one.callers === callers && one.door === door);
  const base = of("none");
  const figures = (["none", "gate", "chat"] as const).map((door) => ({
    name: named[door],
    perSecond: median(of(door).map(({ perSecond }) => perSecond)),
    p50: median(of(door).map(({ p50 }) => p50)),
    p99: median(of(door).map(({ p99 }) => p99)),
    ratio: median(
      of(door).map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? 1)),
    ),
  }));
  const added = (door: DoorName) =>
    median(of(door).map(({ p50 }, round) => p50 - (base[round]?.p50 ?? 0)));
  return {
    name: `a file of 1 KiB, ${callers} at a time`,
    figures,
    note: `added at p50: gate ${added("gate").toFixed(2)} ms, asking each time ${added("chat").toFixed(2)} ms`,
    target: {
      text: `at most ${MOST_ADDED} ms more at p50`,
      found: `${added("gate").toFixed(2)} ms`,
      reached: added("gate") <= MOST_ADDED,
    },
  };
}

function firstLoad({ loads, assets }: Measured): Row {
  const of = (door: DoorName) => loads.filter((one) => one.door === door).map(({ ms }) => ms);
  const base = of("none");
  const ratio = median(of("gate").map((ms, round) => ms / (base[round] ?? 1)));
  return {
    name: `${assets} assets of the editor, 16 at a time`,
    figures: [],
    note: `without a gate ${median(base).toFixed(0)} ms, gate ${median(of("gate")).toFixed(0)} ms`,
    target: {
      text: `at most ${MOST_LOAD}x the time without the gate`,
      found: `${ratio.toFixed(2)}x`,
      reached: ratio <= MOST_LOAD,
    },
  };
}

/** One kill and what came of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SweptHub } from "./swept-hub.ts";
import { startWriters, untilWritten, type Write, type Writers } from "./writers.ts";

export const operations = ["rollout", "backup", "restore", "upgrade", "replacement"] as const;
export type OperationName = (typeof operations)[number];

export interface Row {
  operation: OperationName;
  /** After which it was killed, in its own words. */
  step: string;
  /** What the next run did and how it ended, or what is not good. */
  outcome: string;
  acknowledged: { kept: number; of: number };
  /** From the start of the next run until all was good. */
  seconds: number;
  good: boolean;
}

export interface Kill {
  operation: OperationName;
  step: string;
  /** Runs the operation and kills it. */
  kill(writers: Writers): Promise<unknown>;
  /** Ends it as it would be ended unattended. @returns how, in words */
  nextRun(): Promise<string>;
  /** Of what the hub acknowledged, what must be there now. Default: all. */
  promised?(writes: Write[], nextRunEnded: number): Write[];
  /** What else is to be seen. @returns what is wrong */
  look?(writers: Writers): Promise<string[]>;
}

/** Seconds in which what still starts may get well. */
const GETS_WELL = 120;

/** Kills once while others write, lets the next run end it, and looks. Never throws: what goes wrong is the outcome. */
export async function sweepOnce(hub: SweptHub, kill: Kill): Promise<Row> {
  const { operation, step } = kill;
  const writers = startWriters(hub.to, hub.session);
  const row: Row = {
    ...{ operation, step, outcome: "", seconds: 0, good: false },
    acknowledged: { kept: 0, of: 0 },
  };
  const flaws: string[] = [];
  let ended = 0;
  try {
    await untilWritten(writers, 10);
    await kill.kill(writers);
    const began = Date.now();
    row.outcome = await kill.nextRun();
    ended = Date.now();
    flaws.push(...(await untilGood(hub)));
    row.seconds = Math.round((Date.now() - began) / 1000);
    if (flaws.length === 0) await untilWritten(writers, 2);
    flaws.push(...((await kill.look?.(writers)) ?? []));
  } catch (error) {
    flaws.push((error as Error).message.trim().split("\n").slice(-3).join(" "));
  }
  await writers.stop();
  const all = writers.acknowledged();
  const promised = kill.promised?.(all, ended) ?? all;
  try {
    const missing = await writers.missing(promised);
    row.acknowledged = { kept: promised.length - missing.length, of: promised.length };
    flaws.push(...missing.slice(0, 3));
  } catch (error) {
    row.acknowledged = { kept: 0, of: promised.length };
    flaws.push(`what was acknowledged cannot be looked for: ${(error as Error).message}`);
  }
  row.good = flaws.length === 0;
  if (!row.good) row.outcome = `not good: ${flaws.join("; ")}`;
  return row;
}

async function untilGood(hub: SweptHub): Promise<string[]> {
  const end = Date.now() + GETS_WELL * 1000;
  for (;;) {
    const flaws = await hub.flaws();
    if (flaws.length === 0 || Date.now() > end) return flaws;
    await sleep(1000);
  }
}

/** One writer after the other, each one write at a time, for as long as the fault lasts. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Attempt, Outcome, Writer } from "./attempt.ts";

export interface Said {
  outcome: Outcome;
  words: string;
}

export interface Lane {
  writer: Writer;
  /** First letter of its tokens. */
  letter: string;
  /** Milliseconds from one write to the next. */
  every: number;
  /** What the next write is to become. */
  target(): Attempt["target"];
  write(token: string): Promise<Said>;
}

/** Milliseconds that a write waits for its answer. */
export const PATIENCE = 25_000;

export interface Writing {
  /** All that was tried so far. */
  attempts: readonly Attempt[];
  /** Waits until each lane was acknowledged this often for writes begun after `since`; false: not within `forMs`. */
  acknowledged(since: number, times: number, forMs: number): Promise<boolean>;
  /** Ends what is under way and begins nothing more. */
  stop(): Promise<readonly Attempt[]>;
}

/** @param run distinguishes the tokens of this run from all others */
export function startWriting(lanes: readonly Lane[], run: string): Writing {
  const attempts: Attempt[] = [];
  const byLane = lanes.map((): Attempt[] => []);
  const stopped = new AbortController();
  let number = 0;
  const runs = lanes.map(async (lane, index) => {
    while (!stopped.signal.aborted) {
      number += 1;
      const token = `${lane.letter}-${run}-${number}`;
      const [began, target] = [Date.now(), lane.target()];
      const said = await lane.write(token);
      const attempt = {
        writer: lane.writer,
        token,
        target,
        began,
        ended: Date.now(),
        ...outcomeOf(said),
      };
      attempts.push(attempt);
      byLane[index]?.push(attempt);
      const wait = Math.max(50, lane.every - (Date.now() - began));
      await sleep(wait, undefined, { signal: stopped.signal }).catch(() => {});
    }
  });
  const enough = (since: number, times: number) =>
    byLane.every(
      (lane) =>
        lane.filter(({ outcome, began }) => outcome === "acknowledged" && began >= since).length >=
        times,
    );
  return {
    attempts,
    async acknowledged(since, times, forMs) {
      const end = Date.now() + forMs;
      while (!enough(since, times)) {
        if (Date.now() > end) return false;
        await sleep(100);
      }
      return true;
    },
    async stop() {
      stopped.abort();
      await Promise.all(runs);
      return attempts;
    },
  };
}

const outcomeOf = ({ outcome, words }: Said) => ({ outcome, words });

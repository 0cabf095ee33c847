/** One fault's row: what came of it, and whether that is good. */
import type { Writer } from "./attempt.ts";
import type { Fault, Struck } from "./fault.ts";
import type { Verdict } from "./judge.ts";

export interface Row {
  name: string;
  what: string;
  acknowledged: Record<Writer, number>;
  there: Record<Writer, number>;
  refused: number;
  cutOff: number;
  words: Verdict["words"];
  halfStates: number;
  /** From the end of the fault until every service was healthy and each writer was acknowledged; null: not within the patience. */
  seconds: number | null;
  notes: string[];
  /** Empty: all is as it must be. */
  problems: string[];
}

export function rowOf(
  fault: Pick<Fault, "name" | "what">,
  {
    verdict,
    struck,
    seconds,
    more,
  }: {
    verdict: Verdict;
    struck: Struck;
    seconds: number | null;
    /** Other problems. */
    more: string[];
  },
): Row {
  const unclear = verdict.words.filter(({ clear }) => !clear);
  const { acknowledged, there } = verdict;
  const problems = [
    ...verdict.lost.map((what) => `lost: ${what}`),
    ...verdict.halfStates.map((what) => `half state: ${what}`),
    ...unclear.map(({ words, times }) => `not clear: "${words}" (${times} times)`),
    ...(seconds === null ? ["it did not get good again by itself"] : []),
    ...(acknowledged.mcp === 0 || acknowledged.chat === 0 ? ["nothing was acknowledged"] : []),
    ...(struck.problems ?? []),
    ...more,
  ];
  return {
    ...{ name: fault.name, what: fault.what, acknowledged, there, seconds, problems },
    ...{ refused: verdict.refused, cutOff: verdict.cutOff, words: verdict.words },
    ...{ halfStates: verdict.halfStates.length, notes: struck.notes ?? [] },
  };
}

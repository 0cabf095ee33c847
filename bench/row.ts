/** One thing that was measured, and how its figures are told. */
import type { Figure } from "./measure.ts";

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

export function rate(perSecond: number): string {
  return perSecond >= 100 ? `${Math.round(perSecond)}/s` : `${perSecond.toPrecision(3)}/s`;
}

export function times(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}x`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Where to go on in what the history answers, as its `next` and `before` spell it. */
import { ToolError } from "../tools/tool-error.ts";
import type { Position } from "./records.ts";

/** What one step has to tell of a path, in the order from new to old. */
export type Told = typeof PRESENT_TOLD | typeof FOUND_TOLD | typeof STEP_TOLD;

export const [PRESENT_TOLD, FOUND_TOLD, STEP_TOLD] = [0, 1, 2] as const;

/** The version after which to go on, and the step before which reading starts so that what is told of it comes out the same. */
export interface Cursor {
  start: Position;
  at: Position;
  told: Told;
}

export function spelledCursor({ start, at, told }: Cursor): string {
  return `${spelledPosition(start)}-${spelledPosition(at)}-${told}`;
}

/** Throws ToolError when it is no cursor. */
export function cursorFrom(text: string): Cursor {
  const [start = "", at = "", told = "", ...more] = text.split("-");
  if (!/^[012]$/.test(told) || more.length > 0) throw notFromHistory(text);
  return { start: positionFrom(start), at: positionFrom(at), told: Number(told) as Told };
}

export function spelledPosition({ change, number }: Position): string {
  return `${change}.${number}`;
}

/** Throws ToolError when it is no position. */
export function positionFrom(text: string): Position {
  const [change = "", number = "", ...more] = text.split(".");
  if (more.length > 0) throw notFromHistory(text);
  return { change: numberFrom(change), number: numberFrom(number) };
}

/** Number of a change. Throws ToolError when it is none. */
export function numberFrom(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw notFromHistory(text);
  return Number(text);
}

function notFromHistory(text: string): ToolError {
  return new ToolError(`"${text.slice(0, 40)}" is not from an answer of history.`);
}

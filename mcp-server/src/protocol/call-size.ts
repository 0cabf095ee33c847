/** How much a call says, in its arguments and in its answer. */
import type { ContentBlock } from "@modelcontextprotocol/server";

/** Values in the arguments of one call; four times what the longest lists that a tool takes hold. */
export const MOST_VALUES = 2_000;

/** Levels of arguments that are counted; nobody sends more but to see the stack overflow. */
const DEEPEST = 20;

export interface Size {
  /** Bytes of all text in it. */
  bytes: number;
  /** Values in it, itself among them. */
  values: number;
}

/** Gives up above MOST_VALUES, with what was counted until then. */
export function sizeOf(value: unknown): Size {
  const size: Size = { bytes: 0, values: 0 };
  count(value, size, 0);
  return size;
}

function count(value: unknown, size: Size, level: number): void {
  size.values++;
  if (typeof value === "string") size.bytes += Buffer.byteLength(value);
  if (typeof value !== "object" || value === null || level > DEEPEST) return;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (size.values > MOST_VALUES) return;
      count(item, size, level + 1);
    }
    return;
  }
  for (const key in value) {
    if (size.values > MOST_VALUES) return;
    count((value as Record<string, unknown>)[key], size, level + 1);
  }
}

/** Bytes of what an answer says. */
export function bytesSaid(content: readonly ContentBlock[]): number {
  let bytes = 0;
  for (const block of content)
    bytes += block.type === "text" ? Buffer.byteLength(block.text) : sizeOf(block).bytes;
  return bytes;
}

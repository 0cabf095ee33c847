/** Answers that come in pages: the arguments, and what is said when there is more. */
import type { ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import type { CallContext } from "./tool.ts";

export const cursorArgument = z
  .string()
  .max(4000)
  .optional()
  .describe("next_cursor of the page before.");

export function limitArgument(most: number, usual: number) {
  return z.int().min(1).max(most).default(usual);
}

/** Also what .gitignore names. */
export const ignoredArgument = z
  .boolean()
  .default(false)
  .describe("Also what .gitignore leaves out, and node_modules.");

/** The block that says how to get the rest; none when this was all. */
export function goOn(cursor: string | undefined, shown: string): ContentBlock[] {
  if (cursor === undefined) return [];
  return [{ type: "text", text: `[${shown}; go on with cursor ${JSON.stringify(cursor)}]` }];
}

/** What an empty answer says. */
export function nothing(what: string, leftOut: number): string {
  return leftOut === 0
    ? `[${what}]`
    : `[${what}; ${leftOut} entries were left out by .gitignore and the like, include_ignored looks into them]`;
}

/** Tells a client that asked for it how far a walk is. */
export function entriesSeen({ progress }: CallContext): ((entries: number) => void) | undefined {
  return progress && ((entries) => progress(entries, undefined, `${entries} entries seen`));
}

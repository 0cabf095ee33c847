/** Differences of two texts as a unified diff, within bounds. */
import { createTwoFilesPatch } from "diff";

/** Lines added and removed beyond which the search for the shortest diff is given up. */
const MOST_EDITS = 5_000;
/** Everybody else waits meanwhile. */
const LONGEST_SEARCH_MS = 100;
/** Characters of a diff that are shown. */
const LONGEST = 256 * 1024;

/** Empty when nothing differs. A text that changed too much is described instead. */
export function unifiedDiff(
  path: string,
  before: string,
  after: string,
  names: { before?: string; after?: string } = {},
): string {
  if (before === after) return "";
  const patch = createTwoFilesPatch("", "", before, after, undefined, undefined, {
    context: 3,
    maxEditLength: MOST_EDITS,
    timeout: LONGEST_SEARCH_MS,
  });
  if (patch === undefined) {
    return `[${path} changed nearly everywhere: ${lines(before)} lines before, ${lines(after)} after]\n`;
  }
  // Names are given as they are: the library spells what is not ASCII in octal.
  const header = `--- a/${path}${named(names.before)}\n+++ b/${path}${named(names.after)}\n`;
  const shown = header + patch.slice(patch.indexOf("@@"));
  if (shown.length <= LONGEST) return shown;
  return `${shown.slice(0, LONGEST)}\n[the diff goes on for ${shown.length - LONGEST} more characters]\n`;
}

function named(version: string | undefined): string {
  return version === undefined ? "" : `\t${version}`;
}

function lines(text: string): number {
  return text.split("\n").length;
}

/** The rows as a table for people, kept in a page: a run of some faults replaces their rows and leaves the others. */
import type { Row } from "./row.ts";

const START = "<!-- faults:begin -->";
const END = "<!-- faults:end -->";
const HEAD = [
  "| fault | acknowledged (MCP / chat) | there afterwards | refused, and what was said | cut off | half states | good again after | |",
  "|---|---|---|---|---|---|---|---|",
];
const MOST_PROBLEMS = 3;

export function lineOf(row: Row): string {
  const { acknowledged, there, refused, words, cutOff, halfStates, seconds, notes, problems } = row;
  const sample = words
    .slice(0, 2)
    .map(({ words: text, times }) => `"${text}" (${times})`)
    .join(", ");
  const more = problems.length - MOST_PROBLEMS;
  const shown = [...problems.slice(0, MOST_PROBLEMS), ...(more > 0 ? [`${more} more`] : [])];
  const cells = [
    `\`${row.name}\` ${[row.what, ...notes].join("; ")}`,
    `${acknowledged.mcp} / ${acknowledged.chat}`,
    `${there.mcp} / ${there.chat}`,
    refused === 0 ? "0" : `${refused}: ${sample}`,
    `${cutOff}`,
    `${halfStates}`,
    seconds === null ? "never" : `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`,
    problems.length === 0 ? "✔" : `✘ ${shown.join("; ")}`,
  ];
  return `| ${cells.map(inCell).join(" | ")} |`;
}

const inCell = (text: string) =>
  text.replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("<", "&lt;");

/**
 * The page with these rows in its table, in the order of `names`.
 * @throws when the page has no marks for it
 */
export function withRows(
  page: string,
  rows: readonly Row[],
  names: readonly string[],
  about: string,
): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`the page has no marks ${START} and ${END}`);
  const lines = new Map<string, string>();
  for (const line of page.slice(start, end).split("\n")) {
    const name = /^\| `([a-z0-9-]+)` /.exec(line)?.[1];
    if (name !== undefined) lines.set(name, line);
  }
  for (const row of rows) lines.set(row.name, lineOf(row));
  const missing = names.filter((name) => !lines.has(name));
  const text = [
    START,
    about,
    "",
    ...HEAD,
    ...names.flatMap((name) => lines.get(name) ?? []),
    ...(missing.length > 0 ? ["", `Not run yet: ${missing.join(", ")}.`] : []),
    "",
  ];
  return page.slice(0, start) + text.join("\n") + page.slice(end);
}

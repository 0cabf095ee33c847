/** The sweep's table in the page for people. What a run did not sweep keeps the rows of the run before. */
import { type OperationName, operations, type Row } from "./row.ts";

const BEGIN = "<!-- sweep:begin -->";
const END = "<!-- sweep:end -->";
const head = [
  "| operation | killed after | the next run | acknowledged writes there | seconds until good | |",
  "|---|---|---|---|---|---|",
];

/**
 * @param page text with the two marks
 * @param rows of this run; each takes the place of the one of the same operation and step
 * @param whole operations that are swept from end to end: all rows of theirs go first
 * @param finished whether they came to their end; until then, and when some steps were chosen, the page says "in part"
 * @throws Error when the page has no marks
 */
export function withRows(
  page: string,
  rows: readonly Row[],
  whole: readonly OperationName[],
  finished = false,
): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has no marks ${BEGIN} and ${END}`);
  const lines = new Map<string, string>();
  for (const line of page.slice(begin, end).split("\n")) {
    const [, operation = "", step = ""] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const known = operations.find((name) => name === operation);
    if (known && !whole.includes(known)) lines.set(`${operation}|${step}`, line);
  }
  for (const row of rows) lines.set(`${row.operation}|${cell(row.step)}`, lineOf(row));
  const sorted = operations.flatMap((name) =>
    [...lines].filter(([key]) => key.startsWith(`${name}|`)).map(([, line]) => line),
  );
  const notRun = operations.filter(
    (name) => !sorted.some((line) => line.startsWith(`| ${name} |`)),
  );
  const before = /^Swept in part: (.*)\.$/m.exec(page.slice(begin, end))?.[1]?.split(", ") ?? [];
  const inPart = operations.filter(
    (name) =>
      !(finished && whole.includes(name)) &&
      (before.includes(name) || rows.some(({ operation }) => operation === name)),
  );
  const parts = [
    ...(sorted.length > 0 ? [[...head, ...sorted].join("\n")] : []),
    ...(inPart.length > 0 ? [`Swept in part: ${inPart.join(", ")}.`] : []),
    ...(notRun.length > 0 ? [`Not run: ${notRun.join(", ")}.`] : []),
  ];
  return `${page.slice(0, begin + BEGIN.length)}\n${parts.join("\n\n")}\n${page.slice(end)}`;
}

function lineOf({ operation, step, outcome, acknowledged, seconds, good }: Row): string {
  const { kept, of } = acknowledged;
  const cells = [operation, step, outcome, `${kept} of ${of}`, String(seconds), good ? "✔" : "✘"];
  return `| ${cells.map(cell).join(" | ")} |`;
}

/** On one line, and without what Markdown takes for an edge or a tag. */
function cell(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[|<>]/g, (sign) => ({ "|": "\\|", "<": "&lt;", ">": "&gt;" })[sign] ?? sign)
    .trim();
}

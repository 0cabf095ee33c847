/** The figures as a table for people, and where the targets are missed. */
import { readFile, writeFile } from "node:fs/promises";
import { type Row, rate } from "./row.ts";

export interface Results {
  /** ISO 8601. */
  time: string;
  machine: string;
  versions: Record<string, string>;
  rows: Row[];
}

export function table({ rows }: Results): string {
  const lines = ["| what | figures (ratio to the first) | target | |", "|---|---|---|---|"];
  for (const { name, figures, bytes, note, target } of rows) {
    const cells = figures.map(
      (one, index) =>
        `${one.name} ${rate(one.perSecond)}, p50 ${milliseconds(one.p50)}${index === 0 ? "" : ` (${one.ratio.toFixed(2)}x)`}`,
    );
    for (const [who, count] of Object.entries(bytes ?? {})) cells.push(`${who} ${count} bytes`);
    if (note) cells.push(note);
    lines.push(
      `| ${name} | ${cells.join("<br>")} | ${target?.text ?? ""} | ${target ? `${target.reached ? "✔" : "✘"} ${target.found}` : ""} |`,
    );
  }
  return `${lines.join("\n")}\n`;
}

export function missed({ rows }: Results): string {
  const misses = rows.filter(({ target }) => target && !target.reached);
  if (misses.length === 0) return "All targets are reached.\n";
  return misses
    .map(({ name, target }) => `✘ ${name}: ${target?.found}, wanted ${target?.text}\n`)
    .join("");
}

/** Puts the table between the page's marks of that name. */
export async function writePage(page: string, results: Results, name = "figures"): Promise<void> {
  const [START, END] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const text = await readFile(page, "utf8");
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${page} has no marks ${START} and ${END}`);
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`);
  const beside = versions.length > 0 ? `, beside ${versions.join(", ")}` : "";
  const about = `Measured ${results.time.slice(0, 10)} on ${results.machine}${beside}.`;
  await writeFile(
    page,
    `${text.slice(0, start + START.length)}\n${about}\n\n${table(results)}${text.slice(end)}`,
  );
}

function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(2) : time.toFixed(0)} ms`;
}

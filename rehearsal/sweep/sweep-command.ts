/** `npm run sweep`: which operations, one after the other, and where what came of them goes. */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { lineProgress } from "../../scripts/progress.ts";
import { withRows } from "./page.ts";
import { type OperationName, operations, type Row } from "./row.ts";
import { sweepOperation } from "./sweep.ts";
import { SweptHub } from "./swept-hub.ts";

const help = `npm run sweep [-- ${operations.join(" ")}] [--only TEXT]... [--json]

Kills each of these operations after every step, one by one, on a rehearsal of its own (AIHUB_INSTANCE, default sweep), while
others write to the hub. The next run must end it, nothing that was acknowledged may be lost. Writes the table in
docs/reliability.md as it goes on; ends with 1 when a row is not good. All of it takes some hours; with operations named, only
their rows are replaced.

  --only TEXT  only steps whose words hold this, or another that is named so; the other rows stay
  --json       print the rows as JSON
`;
const page = new URL("../../docs/reliability.md", import.meta.url);

/** @returns the exit code */
export async function sweepCommand(args: string[]): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message.split(". To specify")[0]}\n\n${help}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const unknown = positionals.find((one) => !operations.some((name) => name === one));
  if (unknown !== undefined) {
    process.stderr.write(
      `✘ There is no operation "${unknown}"; known: ${operations.join(", ")}.\n`,
    );
    return 2;
  }
  const chosen = operations.filter(
    (name) => positionals.length === 0 || positionals.includes(name),
  );
  const { rows, broken } = await run(chosen, values.only);
  if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  const bad = rows.filter(({ good }) => !good).length;
  process.stderr.write(`${rows.length} kills, ${bad} not good\n`);
  return broken || bad > 0 ? 1 : 0;
}

async function run(
  chosen: readonly OperationName[],
  only: readonly string[],
): Promise<{ rows: Row[]; broken: boolean }> {
  const progress = lineProgress();
  const rows: Row[] = [];
  let broken = false;
  for (const name of chosen) {
    const whole: OperationName[] = only.length === 0 ? [name] : [];
    const own: Row[] = [];
    try {
      const hub = await progress.step("Bringing up the hub", () => SweptHub.open());
      await sweepOperation(name, hub, {
        wanted: (step) => only.length === 0 || only.some((text) => step.includes(text)),
        note: progress.note,
        async report(row) {
          own.push(row);
          rows.push(row);
          const { kept, of } = row.acknowledged;
          progress.note(
            `${row.good ? "✔" : "✘"} ${name} | ${row.step} | ${row.outcome} | ${kept} of ${of} | ${row.seconds} s`,
          );
          await writeFile(page, withRows(await readFile(page, "utf8"), own, whole));
        },
      });
      if (whole.length > 0) {
        await writeFile(page, withRows(await readFile(page, "utf8"), own, whole, true));
      }
    } catch (error) {
      broken = true;
      process.stderr.write(
        `✘ ${name} could not be swept to its end: ${(error as Error).message}\n`,
      );
    }
  }
  return { rows, broken };
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      json: { type: "boolean" },
      only: { type: "string", multiple: true, default: [] },
    },
  });
}

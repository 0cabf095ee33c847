/** `npm run sweep`: kills each operation after each of its steps, on a rehearsal, and writes what came of it. */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { withRows } from "../rehearsal/sweep/page.ts";
import { type OperationName, operations, type Row } from "../rehearsal/sweep/row.ts";
import { lineProgress } from "./progress.ts";

const help = `npm run sweep [-- ${operations.join(" ")}] [--only TEXT]... [--json]

Kills each of these operations after every step, one by one, on a rehearsal of its own (AIHUB_INSTANCE, default sweep), while
others write to the hub. The next run must end it, nothing that was acknowledged may be lost. Writes the table in
docs/reliability.md as it goes on; ends with 1 when a row is not good. All of it takes some hours; with operations named, only
their rows are replaced.

  --only TEXT  only steps whose words hold this, or another that is named so; the other rows stay
  --json       print the rows as JSON
`;

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        json: { type: "boolean" },
        only: { type: "string", multiple: true, default: [] },
      },
    });
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message.split(". To specify")[0]}\n\n${help}`);
    process.exit(2);
  }
}

const { values, positionals } = parse();
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const unknown = positionals.find((one) => !operations.some((name) => name === one));
if (unknown !== undefined) {
  process.stderr.write(`✘ There is no operation "${unknown}"; known: ${operations.join(", ")}.\n`);
  process.exit(2);
}
process.env.AIHUB_INSTANCE ??= "sweep";
const { sweepOperation } = await import("../rehearsal/sweep/sweep.ts");
const { SweptHub } = await import("../rehearsal/sweep/swept-hub.ts");
const page = new URL("../docs/reliability.md", import.meta.url);
const progress = lineProgress();
const rows: Row[] = [];
let broken = false;

for (const name of operations) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const whole: OperationName[] = values.only.length === 0 ? [name] : [];
  const own: Row[] = [];
  try {
    const hub = await progress.step("Bringing up the hub", () => SweptHub.open());
    await sweepOperation(name, hub, {
      wanted: (step) => values.only.length === 0 || values.only.some((text) => step.includes(text)),
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
    process.stderr.write(`✘ ${name} could not be swept to its end: ${(error as Error).message}\n`);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
const bad = rows.filter(({ good }) => !good).length;
process.stderr.write(`${rows.length} kills, ${bad} not good\n`);
// Connections of a client of the hub's must not keep the finished program from ending.
process.exit(broken || bad > 0 ? 1 : 0);

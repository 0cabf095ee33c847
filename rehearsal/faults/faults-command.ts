/** `npm run faults`: which faults, one after the other, and where what came of them goes. */
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { UserError } from "../../hub/user-error.ts";
import { lineProgress, type Progress } from "../../scripts/progress.ts";
import { hubOk, outputs, repository, signIn } from "../scenarios/hub.ts";
import { allFaults } from "./all-faults.ts";
import { namedToken } from "./named-token.ts";
import type { Row } from "./row.ts";
import { runFault } from "./run-fault.ts";
import { openStage } from "./stage.ts";
import { lineOf, withRows } from "./table.ts";

const PAGE = "docs/reliability.md";
const names = allFaults.map(({ name }) => name);

const help = `npm run faults [-- NAME...] [--json]

Writes to a rehearsal of its own through MCP and the chat while something goes wrong, and looks afterwards whether each acknowledged
write is there, once and whole. All faults take about half an hour. The table goes to ${PAGE}, row by row; faults that are
named replace their own rows only. Ends with 1 when a row is not good. AIHUB_INSTANCE names the rehearsal (default faults); it
stays afterwards: AIHUB_INSTANCE=faults npm run hub -- destroy --purge removes it.

  --json   print the rows as JSON

Faults:
${allFaults.map(({ name, what }) => `  ${name.padEnd(18)} ${what}\n`).join("")}`;

/** @returns the exit code */
export async function faultsCommand(args: string[]): Promise<number> {
  let parsed: { wanted: string[]; json: boolean; help: boolean };
  try {
    parsed = parse(args);
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message.split(". To specify")[0]}\n\n${help}`);
    return 2;
  }
  if (parsed.help) {
    process.stdout.write(help);
    return 0;
  }
  try {
    const { rows, failed } = await run(parsed.wanted, lineProgress());
    process.stdout.write(
      parsed.json ? `${JSON.stringify(rows, null, 2)}\n` : `${rows.map(lineOf).join("\n")}\n`,
    );
    const bad = [
      ...rows
        .filter(({ problems }) => problems.length > 0)
        .map(({ name, problems }) => `${name}: ${problems.join("; ")}`),
      ...failed,
    ];
    process.stderr.write(
      bad.length === 0
        ? "\nAll rows are good.\n"
        : `\n${bad.map((line) => `✘ ${line}\n`).join("")}`,
    );
    return bad.length === 0 ? 0 : 1;
  } catch (error) {
    const message = error instanceof UserError ? error.message : (error as Error).stack;
    process.stderr.write(`\n✘ ${message}\n`);
    return 1;
  }
}

function parse(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`There is no fault ${unknown.join(", ")}`);
  return { ...values, wanted: positionals.length > 0 ? positionals : names };
}

interface Ran {
  rows: Row[];
  /** Faults of which nothing can be said, and why. */
  failed: string[];
}

async function run(wanted: readonly string[], progress: Progress): Promise<Ran> {
  await progress.step("Bringing the hub up", () => hubOk(["up", "--yes"]));
  const to = await outputs();
  const stage = await openStage(to, await signIn(to), progress);
  const { secret, revoke } = await namedToken();
  const ran: Ran = { rows: [], failed: [] };
  try {
    for (const fault of allFaults.filter(({ name }) => wanted.includes(name))) {
      try {
        const row = await progress.step(fault.what, () => runFault(stage, fault, secret));
        for (const problem of row.problems) progress.note(`✘ ${problem}`);
        progress.note(lineOf(row));
        ran.rows.push(row);
        await keep(ran.rows);
      } catch (error) {
        // The others may still be told of.
        ran.failed.push(`${fault.name}: ${(error as Error).message}`);
        progress.note(`✘ ${(error as Error).stack}`);
      }
    }
  } finally {
    await revoke();
  }
  return ran;
}

async function keep(rows: readonly Row[]): Promise<void> {
  const about = `Last run on ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores.`;
  const page = `${repository}${PAGE}`;
  await writeFile(page, withRows(await readFile(page, "utf8"), rows, names, about));
}

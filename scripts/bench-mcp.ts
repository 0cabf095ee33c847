/** `npm run bench:mcp`: our MCP server beside the official file server, supergateway, plain file calls and ripgrep. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { missed, type Results, table, writePage } from "../bench/report.ts";
import { run } from "../bench/rows.ts";
import { peers } from "../bench/tools.ts";
import { workspace } from "../bench/trees.ts";
import { UserError } from "../hub/user-error.ts";
import { lineProgress } from "./progress.ts";

const help = `npm run bench:mcp [-- --quick] [--json] [--profile DIR]

Measures our MCP server side by side with the official file server on a pipe, supergateway in front of it, plain file calls
and ripgrep, round by round in one run, and says which targets are missed. What it needs is downloaded into the cache folder.
Takes about four minutes. Writes bench/results/mcp.json and the table in docs/benchmarks.md.

  --quick        fewer and shorter rounds, for a look; writes nothing
  --json         print the results as JSON
  --profile DIR  write a CPU profile of our server there
`;

function parse() {
  try {
    return parseArgs({
      options: {
        help: { type: "boolean", short: "h" },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        profile: { type: "string" },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message.split(". To specify")[0]}\n\n${help}`);
    process.exit(2);
  }
}

const { help: wantsHelp, quick, json, profile } = parse();
if (wantsHelp) {
  process.stdout.write(help);
  process.exit(0);
}
const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const progress = lineProgress();
try {
  const found = await progress.step("Getting what is measured beside it", () => peers());
  const folder = await progress.step("Making the files", () => workspace());
  const results: Results = {
    time: new Date().toISOString(),
    machine: `${cpus().length} cores of ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`,
    versions: found.versions,
    rows: await run(folder, found, {
      quick,
      note: progress.note,
      ...(profile === undefined ? {} : { profile }),
    }),
  };
  if (!quick) {
    const file = at("bench/results/mcp.json");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
    await writePage(at("docs/benchmarks.md"), results);
  }
  process.stdout.write(json ? `${JSON.stringify(results, null, 2)}\n` : table(results));
  process.stderr.write(`\n${missed(results)}`);
} catch (error) {
  const message = error instanceof UserError ? error.message : (error as Error).stack;
  process.stderr.write(`\n✘ ${message}\n`);
  process.exitCode = 1;
}

/** `npm run bench:mcp`: our MCP server beside the official file server, supergateway, plain file calls and ripgrep. */
import { runBenchmark } from "../bench/bench-command.ts";
import { run } from "../bench/rows.ts";
import { peers } from "../bench/tools.ts";
import { workspace } from "../bench/trees.ts";
import { lineProgress } from "./progress.ts";

const help = `npm run bench:mcp [-- --quick] [--json] [--profile DIR]

Measures our MCP server side by side with the official file server on a pipe, supergateway in front of it, plain file calls
and ripgrep, round by round in one run, and says which targets are missed. What it needs is downloaded into the cache folder.
Takes about four minutes. Writes bench/results/mcp.json and the table in docs/benchmarks.md.

  --quick        fewer and shorter rounds, for a look; writes nothing
  --json         print the results as JSON
  --profile DIR  write a CPU profile of our server there
`;

const progress = lineProgress();
await runBenchmark({
  name: "mcp",
  marks: "figures",
  help,
  profiles: true,
  runtime: `Node ${process.versions.node}`,
  async measure({ quick, profile }) {
    const found = await progress.step("Getting what is measured beside it", () => peers());
    const folder = await progress.step("Making the files", () => workspace());
    const rows = await run(folder, found, {
      quick,
      note: progress.note,
      ...(profile === undefined ? {} : { profile }),
    });
    return { rows, versions: found.versions };
  },
});

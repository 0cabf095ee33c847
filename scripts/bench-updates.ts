/** `npm run bench:updates`: what an update of each service costs those who use it. */
import { runBenchmark } from "../bench/bench-command.ts";
import { rowsOf } from "../bench/updates/rows.ts";
import { lineProgress } from "./progress.ts";

const help = `npm run bench:updates [-- --quick] [--json]

Updates each service of a rehearsal of its own (AIHUB_INSTANCE, default updates) under steady load, and counts the requests that
fail; the chat, which cannot run twice, is timed beside its own boot. Takes about ten minutes. Writes bench/results/updates.json
and the table in docs/benchmarks.md. The rehearsal stays: AIHUB_INSTANCE=updates npm run hub -- destroy --purge removes it.

  --quick  one round of the chat; writes nothing
  --json   print the results as JSON
`;

// The rehearsal that it concerns is chosen when this is loaded.
process.env.AIHUB_INSTANCE ??= "updates";
const { measureUpdates } = await import("../bench/updates/updates.ts");

await runBenchmark({
  name: "updates",
  help,
  async measure({ quick }) {
    const measured = await measureUpdates(quick ? 1 : 3, lineProgress());
    return { rows: rowsOf(measured), measured };
  },
});

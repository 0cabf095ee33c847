/**
 * Eight writers (or those named) in one process, each doing its acts as fast as it can, saying when one is done. Arguments:
 * the workspace; JSON of the last done act of each writer; bytes that old versions may take, 0 for no pruning. Told "stop",
 * it ends in order.
 */
import { Workspace } from "../../src/workspace/workspace.ts";
import { perform } from "./plan.ts";

export type Said = "open" | { writer: number; act: number };

const [folder = "", starts = "{}", bytes = "0"] = process.argv.slice(2);
const say = (message: Said) => process.send?.(message);

let stopping = false;
process.on("message", () => {
  stopping = true;
});

const workspace = await Workspace.open(
  folder,
  bytes === "0" ? {} : { retention: { bytes: Number(bytes) } },
);
say("open");
const pruning = bytes === "0" ? undefined : setInterval(() => workspace.prune(), 25);
await Promise.all(
  Object.entries(JSON.parse(starts) as Record<string, number>).map(async ([writer, last]) => {
    for (let act = last + 1; !stopping; act++) {
      await perform(workspace, Number(writer), act);
      say({ writer: Number(writer), act });
    }
  }),
);
clearInterval(pruning);
await workspace.close();
process.disconnect();

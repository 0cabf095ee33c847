/** The replacement of the host: `hub replace-host` killed with all it started after each line of progress. */

import { hubOk, hub as runHub } from "../scenarios/hub.ts";
import { cloud } from "./cloud.ts";
import { progressLines } from "./progress-lines.ts";
import { sweepOnce } from "./row.ts";
import type { Sweep } from "./sweep.ts";

const REPLACE = ["replace-host", "--yes"];

export const sweepReplacement: Sweep = async (hub, { wanted, report, note }) => {
  note("one replacement that is not killed tells the steps");
  // Without one no host is replaced.
  await hub.console.must("aihub-recovery point");
  const steps = progressLines((await hubOk(REPLACE)).all);
  const { volume, address } = await cloud();
  for (const step of steps) {
    if (!wanted(step)) continue;
    await hub.quiet();
    await report(
      await sweepOnce(hub, {
        operation: "replacement",
        step,
        async kill() {
          const when = new RegExp(`^\\s*${RegExp.escape(step)}`, "m");
          const run = await runHub(REPLACE, { kill: { signal: "SIGKILL", when } });
          if (run.exitCode === 0) throw new Error("it ended before it could be killed");
        },
        async nextRun() {
          const run = await hubOk(REPLACE);
          const after = await cloud();
          if (after.droplets !== 1) throw new Error(`${after.droplets} droplets are there`);
          if (after.volume !== volume) throw new Error("it is another volume");
          if (after.address !== address) throw new Error("it is another address");
          const went = /goes on \(generation \d+\)/.test(run.all) ? "went on" : "began anew";
          return `run again: ${went}; one droplet, the same volume and address`;
        },
      }),
    );
  }
};

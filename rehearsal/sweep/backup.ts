/** The recovery points, the plain one and the night's: killed after each line of progress. */
import { killAfterLine, stepOf } from "./program-steps.ts";
import { sweepOnce } from "./row.ts";
import type { Sweep } from "./sweep.ts";
import type { SweptHub } from "./swept-hub.ts";

export const sweepBackup: Sweep = async (hub, { wanted, report }) => {
  for (const verb of ["point", "nightly"]) {
    const command = `aihub-recovery ${verb}`;
    const { lines } = await killAfterLine(hub.console, command, 0);
    for (let at = 1; at <= lines.length; at++) {
      const answered = at === lines.length;
      let step = `${verb}: ${answered ? "its answer" : stepOf(lines.slice(0, at))}`;
      if (!wanted(step)) continue;
      const row = await sweepOnce(hub, {
        operation: "backup",
        step,
        async kill() {
          const killed = await killAfterLine(hub.console, command, at);
          if (!killed.killed) throw new Error("it ended before it could be killed");
          if (!answered) step = `${verb}: ${stepOf(killed.lines)}`;
        },
        nextRun: () => pointTaken(hub),
      });
      await report({ ...row, step });
    }
  }
  // What is allowed to lie there for a day is gone after the night.
  await hub.console.must("aihub-recovery nightly");
  const locks = await hub.locks();
  if (locks > 0) throw new Error(`${locks} locks lie in the repository after a whole night's work`);
};

/** Takes a point, reads it back, and sees to it that nothing else is left. @returns how it ended */
export async function pointTaken(hub: SweptHub): Promise<string> {
  await hub.console.must("aihub-recovery point");
  const said = await hub.console.must("aihub-recovery prove --json 2>/dev/null");
  const proof = JSON.parse(said) as { good: boolean; problems: { what: string }[] };
  if (!proof.good) throw new Error(proof.problems.map(({ what }) => what).join(", "));
  const locks = await hub.locks();
  const left = locks > 0 ? `; ${locks} locks stay until the night` : "";
  return `a point was taken, read back, good${left}`;
}

/** The rollout: each command of apply.sh and switch.sh between releases that differ in one harmless setting. */
import { hubOk } from "../scenarios/hub.ts";
import { sweepOnce } from "./row.ts";
import { applyOf, killAfter, tellSteps } from "./script-steps.ts";
import type { Sweep } from "./sweep.ts";
import type { SweptHub } from "./swept-hub.ts";

export const sweepRollout: Sweep = async (hub, { wanted, report, note }) => {
  note("three releases that differ in one harmless setting each");
  const [plain, door, home] = await releases(hub);
  const other = async (differing: string) => ((await hub.release()) === plain ? differing : plain);
  for (const step of await tellSteps(hub.console, await other(door))) {
    if (!wanted(step.words)) continue;
    await hub.quiet();
    // Forth and back by turns: each time there is something to change. The front door has the longest way to be switched.
    const release = await other(step.line.startsWith("switch.sh") ? door : home);
    await report(
      await sweepOnce(hub, {
        operation: "rollout",
        step: step.words,
        kill: () => killAfter(hub.console, release, step),
        nextRun: () => applied(hub, release),
      }),
    );
  }
};

/** Applies it as the next `npm start` would. @returns how it ended */
export async function applied(hub: SweptHub, release: string): Promise<string> {
  await hub.console.must(`${applyOf(release)} </dev/null`);
  if ((await hub.release()) !== release) throw new Error("the release was not taken");
  return "applied again: taken";
}

/** Digests of the release that the settings make, of one with another nginx, and of one with another hub's server. */
async function releases(hub: SweptHub): Promise<[string, string, string]> {
  const withSetting = async (key: string, ...words: string[]) => {
    await hubOk(["config", "set", ...words]);
    await hubOk(["up", "--yes"]);
    await hubOk(["config", "rm", key]);
    return hub.release();
  };
  const door = await withSetting("uploadLimitMib", "uploadLimitMib", "300");
  const home = await withSetting("readers", "readers[0]", "guest@example.com");
  await hubOk(["up", "--yes"]);
  return [await hub.release(), door, home];
}

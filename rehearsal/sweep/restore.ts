/** Restores of one project, of the chats and of the whole hub: each step that their kinds record. */
import { setTimeout as sleep } from "node:timers/promises";
import { operationKinds } from "../../recovery/operations.ts";
import { sweepOnce } from "./row.ts";
import type { Sweep } from "./sweep.ts";
import { startWriters, untilWritten, type Writers } from "./writers.ts";

export const sweepRestore: Sweep = async (hub, { wanted, report }) => {
  // What the point that is brought back holds.
  const before = startWriters(hub.to, hub.session);
  await untilWritten(before, 20);
  await before.stop();
  const { snapshot } = JSON.parse(
    await hub.console.must("aihub-recovery point --json 2>/dev/null"),
  ) as { snapshot: string };
  const restores = [
    { what: `project ${before.folder}`, kind: "restore-files" },
    { what: "chats", kind: "restore" },
    { what: "hub", kind: "restore" },
  ];
  for (const { what, kind } of restores) {
    const title = what.replace(/ written-.*/, "");
    for (const step of operationKinds.find((one) => one.kind === kind)?.steps ?? []) {
      if (!wanted(`${title}: ${step}`)) continue;
      await hub.quiet();
      let began = 0;
      let wasUndone = false;
      const row = await sweepOnce(hub, {
        operation: "restore",
        step: `${title}: ${step}`,
        async kill() {
          began = Date.now();
          const { code } = await hub.console.run(
            `AIHUB_CRASH_AFTER=${step} aihub-recovery restore ${what} --point ${snapshot.slice(0, 12)} </dev/null`,
          );
          if (code === 0) throw new Error("it was not killed");
          await hub.console.must(`grep -q '"step": "${step}"' /data/hub/recovery/operation.json`);
        },
        async nextRun() {
          const said = await hub.console.must("aihub-recovery resume");
          wasUndone = /was taken back/.test(said);
          return wasUndone ? "resumed: taken back, all as before" : "resumed: as the point has it";
        },
        // What was written since the point goes with it, but for what the restore does not touch.
        promised: (writes, ended) =>
          wasUndone || kind === "restore-files"
            ? writes
            : writes.filter(
                ({ kind: written, at }) =>
                  at > ended || at < 0 || (what === "chats" && written === "file"),
              ),
        async look(writers) {
          const lost = await before.missing();
          if (wasUndone || kind === "restore-files") return lost;
          return [...lost, ...(await keptAside(writers, began))];
        },
      });
      await report(withPoint(row, before.acknowledged().length));
      await sleep(1000);
    }
  }

  /** What was acknowledged before the restore began is in the point of the present that it took. */
  async function keptAside(writers: Writers, began: number): Promise<string[]> {
    const files = writers.acknowledged().filter(({ kind, at }) => kind === "file" && at < began);
    const points = JSON.parse(
      await hub.console.must("aihub-recovery points --json 2>/dev/null"),
    ) as { id: string; reason: string }[];
    const safety = points.findLast(({ reason }) => reason === "before-restore")?.id;
    if (safety === undefined) return ["no point of the present was taken"];
    const { folder } = JSON.parse(
      await hub.console.must(
        `aihub-recovery restore look ${writers.folder} --point ${safety} --json 2>/dev/null`,
      ),
    ) as { folder: string };
    const found = await hub.console.must(
      `cd ${folder}/workspace/${writers.folder} && grep -l '^end ' *.txt; rm -rf ${folder}`,
    );
    const kept = new Set(found.split("\n"));
    return files
      .filter(({ token }) => !kept.has(`${token}.txt`))
      .map(({ where }) => `${where} is not in the point of the present`);
  }
};

/** The writes of before the point count as well. They were looked for: a lost one made the row bad. */
function withPoint<R extends { acknowledged: { kept: number; of: number } }>(
  row: R,
  before: number,
): R {
  const { kept, of } = row.acknowledged;
  return { ...row, acknowledged: { kept: kept + before, of: of + before } };
}

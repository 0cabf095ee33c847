/** Kills a server before each single system call of each kind of change, and of finishing a change after such a kill. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workspace } from "../../src/workspace/workspace.ts";
import { advance, beginning, check } from "./check.ts";
import { endAll, start } from "./child.ts";
import type { Said } from "./crash-process.ts";
import { authorOf, folderOf, kinds } from "./plan.ts";
import { amount, full, report } from "./scale.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aihub-crashes-"));
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** The kinds that differ most; all of them in the full run. */
const looked = full ? Array.from({ length: kinds }, (_, kind) => kind) : [2, 11];
/** In `npm test` every third call is hit. */
const step = amount(3, 1);

/** Runs acts up to one that is hit; returns whether it was killed. */
async function crash(
  progress: ReturnType<typeof beginning>,
  target: number,
  at: number,
): Promise<boolean> {
  const last = String(progress.get(0)?.act);
  const child = start<Said>("./crash-process.ts", folder, last, String(target), String(at));
  const { code, signal } = await child.ended;
  for (const said of child.received) if (said !== "survived") advance(progress, 0, said.act);
  if (signal !== "SIGKILL" && code !== 0) throw new Error(`ended with ${code ?? signal}`);
  return signal === "SIGKILL";
}

/** The next act of a kind that is far enough to have all that it builds on. */
function nextOf(kind: number, act: number): number {
  const first = kinds + 1;
  const from = Math.max(act + 1, first);
  return from + ((kind - (from % kinds) + kinds) % kinds);
}

test("a kill before any system call of a change loses and halves nothing", {
  timeout: 1_800_000,
}, async () => {
  const progress = beginning(1);
  let [kills, twice] = [0, 0];
  for (const kind of looked) {
    for (let at = 1; ; at += step) {
      const target = nextOf(kind, progress.get(0)?.act ?? 0);
      if (!(await crash(progress, target, at))) break;
      kills++;
      // Finishing what was under way is killed as well.
      if (kills % amount(4, 2) === 0) {
        for (let again = 1 + (kills % 7); await crashOpening(again); again += 5) twice++;
      }
      await check(folder, progress, { deep: kills % 25 === 0 });
    }
  }
  await check(folder, progress, { deep: true });
  report(`${kills} kills at chosen system calls, ${twice} more while these were being cleared up`);
  expect(kills).toBeGreaterThan(looked.length);
});

async function crashOpening(at: number): Promise<boolean> {
  const child = start<Said>("./crash-process.ts", folder, "0", "0", String(at));
  return (await child.ended).signal === "SIGKILL";
}

test("a server that was there all along sees a killed neighbour's change whole or not at all", {
  timeout: 600_000,
}, async () => {
  const progress = beginning(1);
  const workspace = await Workspace.open(folder);
  let kills = 0;
  try {
    for (let at = 1; ; at += step) {
      const target = nextOf(2, progress.get(0)?.act ?? 0);
      if (!(await crash(progress, target, at))) break;
      kills++;
      const acts = await workspace.change(authorOf(1, 1), "all", (change) =>
        ["a", "b", "c"].map((name) => {
          const text = change.read(`${folderOf(0)}/set/${name}`)?.bytes.toString() ?? "";
          return Number(/act (\d+)/.exec(text)?.[1]);
        }),
      );
      expect(new Set(acts.result).size, `acts ${acts.result} after a kill at call ${at}`).toBe(1);
      await check(folder, progress);
    }
  } finally {
    await workspace.close();
  }
  await check(folder, progress, { deep: true });
  expect(kills).toBeGreaterThan(3);
});

/**
 * What a killed server leaves behind: every acknowledged change, none by half, and its whole history. The kills here are
 * random; crashes.test.ts kills at every single system call.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { advance, beginning, check, startsOf } from "./check.ts";
import { endAll, start } from "./child.ts";
import { writers } from "./plan.ts";
import { amount, report } from "./scale.ts";
import type { Said } from "./writers-process.ts";

const TIMEOUT = 1_800_000;
/** Changes that have been acknowledged before some of the kills. */
const DONE = 3;
let folder: string;
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

function workspaceFolder(): string {
  folder = mkdtempSync(join(tmpdir(), "aihub-kills-"));
  return folder;
}

test("a server killed under eight writers keeps every acknowledged change and its history", {
  timeout: TIMEOUT,
}, async () => {
  const folder = workspaceFolder();
  const progress = beginning(writers);
  const sum = { kills: 0, acknowledged: 0, unacknowledged: 0, contents: 0 };
  let pruned = false;
  for (; sum.kills < amount(30, 500); sum.kills++) {
    // A server that is removing old versions is killed as well, but late, so that whole histories are looked at before.
    const pruning = sum.kills > amount(20, 350) && sum.kills % 2 === 0;
    pruned ||= pruning;
    const child = start<Said>(
      "./writers-process.ts",
      folder,
      startsOf(progress),
      pruning ? "4000000" : "0",
    );
    // Some are killed while they start, which is while they clear up after the one before; some not before they have done
    // something, however slow the machine is.
    if (sum.kills % 5 !== 4) await child.message((said) => said === "open");
    if ([2, 3].includes(sum.kills % 5)) await child.message(() => child.received.length > DONE);
    await sleep(Math.random() * (sum.kills % 5 === 4 ? 400 : 150));
    child.kill();
    await child.ended;
    for (const said of child.received) {
      if (said === "open") continue;
      advance(progress, said.writer, said.act);
      sum.acknowledged++;
    }
    const deep = sum.kills % 50 === 49;
    const { unacknowledged, contents } = await check(folder, progress, { pruned, deep });
    sum.unacknowledged += unacknowledged;
    sum.contents += contents;
  }
  await check(folder, progress, { pruned, deep: true });
  report(
    `${sum.kills} kills under ${writers} writers: ${sum.acknowledged} acknowledged changes, 0 lost; ${sum.unacknowledged} done without being acknowledged; ${sum.contents} old contents read back`,
  );
  expect(sum.acknowledged).toBeGreaterThan(sum.kills);
});

test("of two servers on one workspace, the one that is killed harms nothing of the other", {
  timeout: TIMEOUT,
}, async () => {
  const folder = workspaceFolder();
  const progress = beginning(writers);
  const [survivors, victims] = [0, 1].map(
    (which) => new Map([...progress].filter(([writer]) => writer % 2 === which)),
  ) as [typeof progress, typeof progress];
  let [kills, acknowledged] = [0, 0];
  const took = (said: Said) => {
    if (said === "open") return;
    advance(progress, said.writer, said.act);
    acknowledged++;
  };
  for (let round = 0; round < amount(2, 12); round++) {
    const survivor = start<Said>("./writers-process.ts", folder, startsOf(survivors));
    await survivor.message((said) => said === "open");
    for (let kill = 0; kill < 5; kill++, kills++) {
      const victim = start<Said>("./writers-process.ts", folder, startsOf(victims));
      await victim.message((said) => said === "open");
      await sleep(Math.random() * 200);
      victim.kill();
      await victim.ended;
      victim.received.forEach(took);
      const before = survivor.received.length;
      await survivor.message(() => survivor.received.length > before + writers);
      await check(folder, victims, { alone: false });
    }
    survivor.send("stop");
    const { code } = await survivor.ended;
    expect(code).toBe(0);
    survivor.received.forEach(took);
    await check(folder, progress, { deep: true });
  }
  report(
    `${kills} kills beside a server that went on: ${acknowledged} acknowledged changes, 0 lost`,
  );
});

/** A sample of `npm run faults`: what was acknowledged is there after kills and on a full disk. All of it: docs/reliability.md. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { silent } from "../../scripts/progress.ts";
import { fullDisk } from "../faults/full-disk.ts";
import { kill } from "../faults/kill.ts";
import { namedToken } from "../faults/named-token.ts";
import { runFault } from "../faults/run-fault.ts";
import { openStage, type Stage } from "../faults/stage.ts";
import { lineOf } from "../faults/table.ts";
import { beUp, holdTimers, outputs, signIn, startTimers } from "./hub.ts";

let stage: Stage;
let token: Awaited<ReturnType<typeof namedToken>>;

beforeAll(async () => {
  await beUp();
  // The night's work leaves its canary among the files, where nothing may be that the writers did not write.
  await holdTimers();
  const to = await outputs();
  stage = await openStage(to, await signIn(to), silent);
  token = await namedToken();
});

afterAll(async () => {
  await token.revoke();
  await startTimers();
});

it.each([kill("mcp-server", "open-webui", "postgres"), fullDisk(8)])(
  "$name: each acknowledged write is there once and whole, and the hub is good again by itself",
  async (fault) => {
    const row = await runFault(stage, fault, token.secret);
    process.stdout.write(`${lineOf(row)}\n`);
    expect(row.problems).toEqual([]);
  },
);

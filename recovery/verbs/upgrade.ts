import { UserError } from "../../hub/user-error.ts";
import { Operation, unfinished } from "../operation.ts";
import { progress } from "../progress.ts";
import { carryThrough } from "../upgrade/carry-through.ts";
import { untilChatReady } from "../upgrade/chat-container.ts";
import { type Upgrade, upgradeKind } from "../upgrade/operation.ts";
import { prepareUpgrade } from "../upgrade/prepare.ts";
import { standBack } from "../upgrade/stand-back.ts";
import { takeBack } from "../upgrade/take-back.ts";
import { verifyUpgrade } from "../upgrade/verify.ts";
import type { RecoveryVerb } from "./verb.ts";

/** The stages of an upgrade of the chat, in the order in which apply.sh goes through them; the last two are its ends. */
const stages: Record<
  string,
  (values: Record<string, string | boolean | undefined>) => Promise<void>
> = {
  async prepare({ release, secrets, seen }) {
    if (typeof release !== "string" || typeof secrets !== "string" || typeof seen !== "string") {
      throw new UserError("upgrade prepare needs --release, --secrets and --seen");
    }
    await prepareUpgrade({ release, secrets, seen }, progress);
  },
  async "stand-back"() {
    await standBack(await current(), progress);
  },
  async await() {
    await current();
    await progress.step("Waiting for the new version", untilChatReady);
  },
  async verify() {
    progress.note(`  ${(await verifyUpgrade(await current())).join("; ")}`);
  },
  async "carry-through"() {
    process.stdout.write(`${await carryThrough(await current())}\n`);
  },
  async "take-back"() {
    await takeBack(await current());
  },
};

export const upgrade: RecoveryVerb = {
  summary: `a stage of an upgrade of the chat, for a rollout: ${Object.keys(stages).join(", ")}`,
  options: {
    release: { type: "string" },
    secrets: { type: "string" },
    seen: { type: "string" },
  },
  lockSeconds: 3600,
  async run(values, [name = ""]) {
    const stage = stages[name];
    if (!stage) throw new UserError(`There is no stage "${name}" of an upgrade.`);
    await stage(values);
    return 0;
  },
};

async function current(): Promise<Upgrade> {
  const record = await unfinished();
  if (record === undefined) throw new UserError("No upgrade is going on.");
  return Operation.of(upgradeKind, record);
}

/** The release is taken: the door opens, and what the way back needed goes. Safe to repeat. */
import { join } from "node:path";
import { writeWhole } from "../memory.ts";
import { openHubData } from "../open-hub.ts";
import { RECOVERY } from "../place.ts";
import { progress } from "../progress.ts";
import { databasesOf } from "./databases.ts";
import { openDoor } from "./door.ts";
import type { Upgrade } from "./operation.ts";
import { forgetSetAside } from "./set-aside.ts";
import { away } from "./take-back.ts";
import { nameOf } from "./version.ts";

/** @returns what happened, in one line */
export async function carryThrough(upgrade: Upgrade): Promise<string> {
  await openDoor();
  const { from, to, closedAt, point } = upgrade.params;
  await writeWhole(join(RECOVERY, "chat-image"), `${to}\n`, 0o600);
  const what = `Open WebUI ${nameOf(from)} → ${nameOf(to)}${away(closedAt)}`;
  const { database, settings } = await openHubData();
  const { before } = databasesOf(database);
  if (point !== undefined) await database.drop(before);
  else
    progress.note(`without a recovery point the database ${before} stays until the next upgrade`);
  await forgetSetAside({ cache: settings.cache === "embedded" });
  await upgrade.done();
  return what;
}

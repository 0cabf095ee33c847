/** The way back: the data as they were, then the version that knows them. Safe to repeat after a kill at any point. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { writeWhole } from "../memory.ts";
import { openHubData } from "../open-hub.ts";
import { CURRENT, ROOT } from "../place.ts";
import { progress } from "../progress.ts";
import { removeChat, untilChatReady } from "./chat-container.ts";
import { startCurrent, startDataOfCurrent } from "./current-release.ts";
import { databasesOf } from "./databases.ts";
import { openDoor } from "./door.ts";
import type { Upgrade } from "./operation.ts";
import { removeRehearsal } from "./rehearsal.ts";
import { bringBack, forgetSetAside } from "./set-aside.ts";
import { nameOf } from "./version.ts";

/** @throws UserError: the data are back and the old version does not run */
export async function takeBack(upgrade: Upgrade): Promise<void> {
  if (upgrade.step === "rehearsing") {
    // Nothing that runs was touched.
    await removeRehearsal();
    return upgrade.done();
  }
  const ran = existsSync(join(CURRENT, "compose.yaml"));
  if (upgrade.params.appliedEnv !== "") {
    await writeWhole(join(ROOT, "secrets/applied.env"), upgrade.params.appliedEnv, 0o600);
  }
  const { database, settings } = await openHubData();
  const { before, failed } = databasesOf(database);
  const cache = settings.cache === "embedded";
  await progress.step("Bringing the chat's data back", async () => {
    if (upgrade.step === "changing") await removeChat();
    if (ran) await startDataOfCurrent(settings);
    if (upgrade.step === "changing") {
      // Its copy has its own name until the exchange: where there is none, that was done.
      if (await database.exists(before)) await database.exchange(before, failed);
    }
    await bringBack({ cache });
    await database.drop(before);
    await database.drop(failed);
  });
  let flaw: string | undefined;
  if (ran) {
    await progress.step(`Starting ${nameOf(upgrade.params.from)} again`, async () => {
      flaw = await startCurrent();
      if (flaw !== undefined)
        flaw = await untilChatReady().then(
          () => undefined,
          () => flaw,
        );
    });
  }
  await openDoor();
  await forgetSetAside({ cache });
  await upgrade.done();
  progress.note(
    `the chat is as it was before, in version ${nameOf(upgrade.params.from)}${away(upgrade.params.closedAt)}`,
  );
  if (flaw !== undefined) {
    throw new UserError(
      `The data are as they were, but the version before does not get well: ${flaw}\n  fix: docker logs aihub-open-webui-1 on the host shows why; then npm start`,
    );
  }
}

/** "; it was away for 21 s" */
export function away(closedAt: string | undefined): string {
  if (closedAt === undefined) return "";
  return `; it was away for ${Math.round((Date.now() - Date.parse(closedAt)) / 1000)} s`;
}

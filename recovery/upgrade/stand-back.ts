/** The last step before the new version: nobody writes any more, and everything it may change has a copy. */
import { UserError } from "../../hub/user-error.ts";
import { openHubData } from "../open-hub.ts";
import type { Progress } from "../progress.ts";
import { countRows } from "../rows.ts";
import { run } from "../run.ts";
import { containerOf } from "../services.ts";
import { stopChat } from "./chat-container.ts";
import { newestChats } from "./check-chat.ts";
import { databasesOf } from "./databases.ts";
import { closeDoor, isClosed } from "./door.ts";
import type { Upgrade } from "./operation.ts";
import { setAside } from "./set-aside.ts";

/** Seconds that nginx gets to see the closed door. */
const SEEN_IN = 10;

export async function standBack(upgrade: Upgrade, progress: Progress): Promise<void> {
  const { database, settings } = await openHubData();
  const { before, failed } = databasesOf(database);
  // Of an earlier upgrade: not worth the time when nobody is served.
  await database.drop(before);
  await database.drop(failed);
  await upgrade.enter("setting-aside", { closedAt: new Date().toISOString() });
  await closeDoor();
  await requireClosed(settings.url, progress);
  await progress.step("The door is closed; stopping the chat", stopChat);
  await progress.step("Setting its data aside", async () => {
    for (const note of await setAside({ cache: settings.cache === "embedded" })) {
      progress.note(`  ${note}`);
    }
    await database.disconnect(database.name);
    await database.create(before, database.name);
  });
  const rowsBefore = await countRows(database);
  const newest = await newestChats(database, settings.adminEmail);
  await upgrade.enter("changing", { rowsBefore, newest });
}

/** An nginx of before there was such a door does not look for it: it goes for the time being. */
async function requireClosed(url: string, progress: Progress): Promise<void> {
  for (let second = 0; second < SEEN_IN; second++) {
    if (await isClosed(url)) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const nginx = await containerOf("nginx");
  if (nginx === undefined) throw new UserError("Nobody knows who answers at the front door.");
  progress.note("the front door cannot be closed for the chat alone, so nginx stops meanwhile");
  await run("docker", ["stop", nginx]);
}

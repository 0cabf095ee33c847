/** The new version with its hands on the data: is everything there, and of use? */

import { openHubData } from "../open-hub.ts";
import { countRows } from "../rows.ts";
import { chatAddress } from "./chat-container.ts";
import { checkChat } from "./check-chat.ts";
import type { Upgrade } from "./operation.ts";
import { requireNothingLost } from "./rehearsal.ts";
import { compareRows, describeChange } from "./row-changes.ts";

/** @returns what was seen, in words @throws UserError: what is not as it must be */
export async function verifyUpgrade({ params }: Upgrade): Promise<string[]> {
  const { database, settings, secrets } = await openHubData();
  const changes = compareRows(params.rowsBefore, await countRows(database));
  requireNothingLost(changes);
  const seen = await checkChat(await chatAddress(), {
    login: { email: settings.adminEmail, password: secrets.adminPassword },
    newest: params.newest,
  });
  return [...seen, ...changes.map(describeChange)];
}

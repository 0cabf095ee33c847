/** The chat's database and the settings, without a repository: the way back needs none, and backups may be off. */
import { ChatDatabase } from "../database.ts";
import {
  type RecoverySecrets,
  type RecoverySettings,
  readSecrets,
  readSettings,
} from "../settings.ts";

export async function hubDatabase(): Promise<{
  settings: RecoverySettings;
  secrets: RecoverySecrets;
  database: ChatDatabase;
}> {
  const settings = await readSettings();
  const secrets = await readSecrets();
  return { settings, secrets, database: new ChatDatabase(settings, secrets) };
}

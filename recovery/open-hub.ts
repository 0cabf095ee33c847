/** What the verbs work with: the hub's settings, its database, its repository. */
import { ChatDatabase } from "./database.ts";
import { hubRepository } from "./open-repository.ts";
import type { Repository } from "./repository/restic.ts";
import {
  type RecoverySecrets,
  type RecoverySettings,
  readSecrets,
  readSettings,
} from "./settings.ts";

export interface OpenHub {
  settings: RecoverySettings;
  secrets: RecoverySecrets;
  database: ChatDatabase;
  repository: Repository;
}

/** @throws UserError when no hub runs here yet, or backups are off */
export async function openHub(): Promise<OpenHub> {
  const settings = await readSettings();
  const secrets = await readSecrets();
  return {
    settings,
    secrets,
    database: new ChatDatabase(settings, secrets),
    repository: await hubRepository(secrets),
  };
}

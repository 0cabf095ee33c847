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

export interface HubData {
  settings: RecoverySettings;
  secrets: RecoverySecrets;
  database: ChatDatabase;
}

export interface OpenHub extends HubData {
  repository: Repository;
}

/** Without a repository: the way back from an upgrade needs none, and backups may be off. @throws UserError when no hub runs here yet */
export async function openHubData(): Promise<HubData> {
  const settings = await readSettings();
  const secrets = await readSecrets();
  return { settings, secrets, database: new ChatDatabase(settings, secrets) };
}

/** @throws UserError when no hub runs here yet, or backups are off */
export async function openHub(): Promise<OpenHub> {
  const data = await openHubData();
  return { ...data, repository: await hubRepository(data.secrets) };
}

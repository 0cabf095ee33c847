/** What a hub keeps secret. Never part of a release: it goes to the host by standard input, apart from all texts. */
export interface HubSecrets {
  /** Sign-in of the first administrator. */
  adminPassword: string;
  /** Bearer token of the MCP server. */
  mcpToken: string;
  /** Signs Open WebUI's sessions; changing it signs everybody out. */
  webuiSecretKey: string;
  postgresPassword: string;
  valkeyPassword: string;
  /** PEM chain and key that nginx serves. */
  tlsCertificate: string;
  tlsPrivateKey: string;
  /** External database and cache; unset: the hub's own. */
  databaseUrl?: string;
  redisUrl?: string;
  modelApiKey?: string;
  /** Opens the recovery points. */
  backupPassword: string;
  /** Where recovery points go; unset: backups are off. */
  repository?: BackupPlace;
  copy?: BackupPlace;
  backupSshKey?: string;
  backupGitKey?: string;
}

/** A place for recovery points, and what opens the way to it. */
export interface BackupPlace {
  /** A restic location. */
  location: string;
  /** Environment that opens it. */
  env: Record<string, string>;
  /** SSH host key of an SFTP place. */
  hostKey?: string;
}

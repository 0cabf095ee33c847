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
}

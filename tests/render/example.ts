/** A hub to render from, and servers that stand for the bundled ones where only their bytes matter. */
import { parseConfig } from "../../config/parse.ts";
import { describeHub, type Hub } from "../../hub/hub.ts";
import type { HubSecrets } from "../../hub/secrets.ts";

export const bundles = {
  mcpServer: "console.log('mcp')",
  hubServer: "console.log('hub')",
  setup: "console.log('setup')",
  recovery: "console.log('recovery')",
};

export function exampleHub(raw: Record<string, string> = {}): Hub {
  return describeHub(
    parseConfig({
      domain: "example.com",
      adminEmail: "admin@example.com",
      adminCidrs: '["203.0.113.7/32"]',
      ...raw,
    }),
  );
}

export const secrets: HubSecrets = {
  adminPassword: "the-admin-password",
  mcpToken: "the-mcp-token",
  webuiSecretKey: "the-webui-key",
  postgresPassword: "the-postgres-password",
  valkeyPassword: "the-valkey-password",
  tlsCertificate: "-----BEGIN CERTIFICATE-----\nthe-certificate\n",
  backupPassword: "backuppassword0123456789",
  tlsPrivateKey: "-----BEGIN PRIVATE KEY-----\nthe-tls-key\n",
};

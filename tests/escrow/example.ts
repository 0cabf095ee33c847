import type { EscrowContents } from "../../escrow/contents.ts";

/** Every secret of it holds the word "secret", so that a test can look for it. */
export const contents: EscrowContents = {
  version: 1,
  made: "2026-11-25T08:00:00.000Z",
  stack: "prod",
  url: "https://aihub.example.com",
  settings: {
    domain: "example.com",
    subdomain: "",
    adminEmail: "admin@example.com",
    adminCidrs: '["203.0.113.7/32","198.51.100.0/24"]',
    images: '{"nginx":"nginx:1.29"}',
    volumeSizeGib: "60",
  },
  secrets: { modelApiKey: "secret-model-key", databaseUrl: "postgresql://u:secret'$(x)\"@db/hub" },
  passwords: {
    adminPassword: "secretAdminPassword0000",
    mcpToken: "secretMcpToken0000000000",
    webuiSecretKey: "secretWebuiKey0000000000",
    postgresPassword: "secretPostgres0000000000",
    valkeyPassword: "secretValkey000000000000",
    backupPassword: "secretBackup000000000000",
  },
  repository: {
    location: "s3:https://nyc3.digitaloceanspaces.com/aihub-backups",
    password: "secretBackup000000000000",
    access: { AWS_ACCESS_KEY_ID: "secret-access-id", AWS_SECRET_ACCESS_KEY: "secret-access-key" },
  },
  copy: {
    location: "sftp:copy@example.org:/aihub",
    password: "secretBackup000000000000",
    access: {
      SSH_PRIVATE_KEY: "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n",
      SSH_KNOWN_HOSTS: "example.org ssh-ed25519 AAAA\n",
    },
  },
};

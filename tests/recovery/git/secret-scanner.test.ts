import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { ownSecrets } from "../../../recovery/git/own-secrets.ts";
import { SCANNER, SecretScanner } from "../../../recovery/git/secret-scanner.ts";

const scanner = new SecretScanner();
const scan = (text: string) => scanner.scan(Buffer.from(text));

it("names the version that is installed, so that another one scans anew", async () => {
  const at = new URL(
    "../../../node_modules/@secretlint/secretlint-rule-preset-recommend/package.json",
    import.meta.url,
  );
  const { version } = JSON.parse(await readFile(at, "utf8"));
  expect(SCANNER).toBe(`secretlint ${version}`);
});

it.each([
  ["a DigitalOcean token", `dop_v1_${"0a1b2c3d".repeat(8)}`, "digitalocean"],
  ["an age key", `AGE-SECRET-KEY-1${"QPZRY9X8GF".repeat(6)}`, "age key"],
  ["a PuTTY key", "PuTTY-User-Key-File-3: ssh-ed25519\n", "private key"],
  ["a PGP key", `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${"lQdG".repeat(30)}`, "private key"],
  [
    "an address with a password",
    "postgres://team:h7Gd2kWq9@db.internal.net:5432/app",
    "database-connection-string",
  ],
])("finds %s", async (_, text, kind) => {
  expect(await scan(`key: "${text.includes("\n") ? "" : text}"\n${text}\n`)).toContain(kind);
});

it.each([
  ["the documentation's keys", "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
  ["a public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK5v0qk4m0o1z7m5 a@b"],
  ["words about keys", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"],
  ["an AWS account", "aws_account_id = 1234-5678-9012"],
  ["hashes", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
])("lets %s pass", async (_, text) => {
  expect(await scan(text)).toEqual([]);
});

it("finds what is the hub's own, and scans anew when that changes", async () => {
  const secrets = ownSecrets({
    password: "of-the-backups-4711",
    mcpToken: "token-of-the-server",
    adminPassword: "of-the-administrator",
    repository: {
      location: "s3:https://example.com/b",
      env: {
        AWS_SECRET_ACCESS_KEY: "key-of-the-bucket",
        AWS_DEFAULT_REGION: "eu-central-1-region",
      },
    },
    databaseUrl: "postgresql://user:pass%40word-long@db.example.com/x",
  });
  const own = new SecretScanner(secrets);
  for (const text of ["token-of-the-server", "key-of-the-bucket", "pass@word-long"]) {
    expect(await own.scan(Buffer.from(`x ${text} y`))).toEqual(["the hub's own"]);
  }
  expect(await own.scan(Buffer.from("eu-central-1-region"))).toEqual([]);
  expect(own.id).not.toBe(scanner.id);
  expect(own.id).not.toContain("token");
});

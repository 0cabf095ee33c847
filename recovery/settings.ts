/** What the host's recovery program is told: `recovery/settings.json` of the release, and its secrets apart. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../hub/user-error.ts";
import { CURRENT, ROOT } from "./place.ts";

export const upgradeGuards = ["nothing", "rehearsal", "point", "both"] as const;

export const recoverySettings = z.object({
  /** Whether points are taken at all. */
  enabled: z.boolean(),
  url: z.string(),
  everyMinutes: z.number(),
  nightlyAt: z.string(),
  keep: z.object({
    hourly: z.number(),
    daily: z.number(),
    weekly: z.number(),
    monthly: z.number(),
  }),
  database: z.enum(["embedded", "external"]),
  cache: z.enum(["embedded", "external"]),
  /** Has the programs for a database that is not here. */
  postgresImage: z.string(),
  adminEmail: z.string(),
  gitUrl: z.string().optional(),
  /** What an upgrade of the chat goes without. */
  upgradeWithout: z.enum(upgradeGuards).default("nothing"),
});

export type RecoverySettings = z.infer<typeof recoverySettings>;

const access = z.object({
  /** Where: a restic location. */
  location: z.string(),
  /** Environment that opens it, like AWS_ACCESS_KEY_ID. */
  env: z.record(z.string(), z.string()).default({}),
  /** SSH host key of an SFTP place. */
  hostKey: z.string().optional(),
});

export const recoverySecrets = z.object({
  /** Undefined: backups are off. */
  repository: access.optional(),
  copy: access.optional(),
  password: z.string(),
  /** Tells whether an escrow still opens the repository. */
  fingerprint: z.string().optional(),
  sshKey: z.string().optional(),
  git: z.object({ key: z.string(), hostKey: z.string() }).optional(),
  /** Of an external database. */
  databaseUrl: z.string().optional(),
  mcpToken: z.string(),
  adminPassword: z.string(),
});

export type RecoverySecrets = z.infer<typeof recoverySecrets>;
export type RepositoryAccess = z.infer<typeof access>;

/** Name of the folder of its secrets, beside those of the services. */
export const SECRETS_NAME = "recovery";

/** `release` is its folder. @throws UserError when no release runs here yet */
export async function readSettings(release = CURRENT): Promise<RecoverySettings> {
  const file = join(release, "recovery/settings.json");
  return recoverySettings.parse(JSON.parse(await readOr(file, "npm start makes one run")));
}

/** @throws UserError when the host has no secrets yet */
export async function readSecrets(): Promise<RecoverySecrets> {
  const names = await readOr(
    join(ROOT, "secrets/applied.env"),
    "npm start brings the secrets to the host",
  );
  const folder = /^SECRETS_RECOVERY=(\S+)$/m.exec(names)?.[1];
  if (!folder) {
    throw new UserError(
      "The release that runs knows nothing of recovery points.\n  fix: npm start brings the host up to date",
    );
  }
  return recoverySecrets.parse(
    JSON.parse(await readOr(join(folder, "recovery.json"), "npm start brings the secrets again")),
  );
}

async function readOr(file: string, fix: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UserError(
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}\n  fix: ${fix}`,
    );
  }
}

/** Reads raw `aihub:*` configuration into settings, reporting every mistake at once with the command that fixes it. */
import type { z } from "zod";
import { UserError } from "../hub/user-error.ts";
import { type ConfigSecrets, type Settings, secretsSchema, settingsSchema } from "./schema.ts";

export interface Config {
  settings: Settings;
  secrets: ConfigSecrets;
}

const structured = new Set(["adminCidrs", "images", "access", "readers", "backup"]);
/** Settings that are a list: the engine keeps one as a list only when it is set item by item. */
export const lists: ReadonlySet<string> = new Set(["adminCidrs", "readers"]);
const secretKeys = Object.keys(secretsSchema.shape);
const knownKeys = [...Object.keys(settingsSchema.shape), ...secretKeys];

const examples: Record<string, string> = {
  domain: "example.com",
  adminEmail: "you@example.com",
  adminCidrs: "203.0.113.7/32",
  readers: "guest@example.com",
  databaseUrl: "postgresql://user:password@host:5432/database",
  redisUrl: "rediss://user:password@host:25061",
};

/**
 * @param raw values by key without the namespace; arrays and objects as JSON text, as Pulumi keeps them
 * @param command how the person at hand changes settings, for the fixes in the message
 * @throws UserError listing each wrong, missing or unknown key
 */
export function parseConfig(raw: Record<string, string>, command = "pulumi config"): Config {
  const fix = (key: string, path?: PropertyKey[]) => `${command} ${setCommand(key, path)}`;
  const problems: string[] = [];
  const plain: Record<string, unknown> = {};
  const secret: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(raw)) {
    if (!knownKeys.includes(key)) {
      const near = nearest(key);
      problems.push(
        `aihub:${key} is not a setting${near ? `; did you mean aihub:${near}?` : ""}\n    ${command} rm aihub:${key}`,
      );
      continue;
    }
    // An empty value is how Pulumi.yaml declares a setting without a default; only a subdomain may really be empty.
    if (text === "" && key !== "subdomain") continue;
    const target = secretKeys.includes(key) ? secret : plain;
    try {
      target[key] = structured.has(key) ? JSON.parse(text) : text;
    } catch {
      problems.push(`aihub:${key} is not JSON\n    ${fix(key)}`);
      target[key] = undefined;
    }
  }
  const settings = settingsSchema.safeParse(plain);
  const secrets = secretsSchema.safeParse(secret);
  const unread = new Set(problems.map((problem) => /^aihub:(\w+)/.exec(problem)?.[1]));
  for (const issue of [...(settings.error?.issues ?? []), ...(secrets.error?.issues ?? [])]) {
    const key = String(issue.path[0]);
    if (!unread.has(key))
      problems.push(
        `${describe(issue, key in plain || key in secret)}\n    ${fix(key, issue.path)}`,
      );
  }
  if (settings.success && secrets.success) {
    for (const need of backupNeeds(settings.data.backup, secrets.data)) {
      problems.push(
        `aihub:${need.key} is needed by ${need.by}\n    ${command} set ${need.secret ? "--secret " : "--path "}aihub:${need.key}`,
      );
    }
    const { tlsCertificate, tlsPrivateKey } = secrets.data;
    if (settings.data.tlsMode === "provided" && !(tlsCertificate && tlsPrivateKey)) {
      for (const [key, value] of Object.entries({ tlsCertificate, tlsPrivateKey })) {
        if (!value) {
          problems.push(
            `aihub:${key} is needed by tlsMode provided\n    ${command} set --secret aihub:${key} < file.pem`,
          );
        }
      }
    }
    if (problems.length === 0) return { settings: settings.data, secrets: secrets.data };
  }
  throw new UserError(
    `${problems.length} ${problems.length === 1 ? "setting needs" : "settings need"} attention:\n${problems
      .map((problem) => `  ${problem}`)
      .join("\n")}`,
  );
}

/** What a place for backups needs beside its address. */
function backupNeeds(
  backup: Settings["backup"],
  secrets: ConfigSecrets,
): { key: string; by: string; secret: boolean }[] {
  const places = [
    {
      place: backup.to,
      by: "backup.to",
      s3: ["backupAccessKey", "backupSecretKey"] as const,
      hostKey: "hostKey" as const,
    },
    {
      place: backup.copyTo ?? "off",
      by: "backup.copyTo",
      s3: ["backupCopyAccessKey", "backupCopySecretKey"] as const,
      hostKey: "copyHostKey" as const,
    },
  ];
  const needs: { key: string; by: string; secret: boolean }[] = [];
  const secretNeeded = (key: keyof ConfigSecrets, by: string) => {
    if (secrets[key] === undefined) needs.push({ key, by, secret: true });
  };
  const settingNeeded = (key: "hostKey" | "copyHostKey" | "gitHostKey", by: string) => {
    if (backup[key] === undefined) needs.push({ key: `backup.${key}`, by, secret: false });
  };
  for (const { place, by, s3, hostKey } of places) {
    if (place.startsWith("s3:")) for (const key of s3) secretNeeded(key, by);
    if (place.startsWith("sftp:")) {
      secretNeeded("backupSshKey", by);
      settingNeeded(hostKey, by);
    }
  }
  if (backup.gitUrl !== undefined) {
    secretNeeded("backupGitKey", "backup.gitUrl");
    settingNeeded("gitHostKey", "backup.gitUrl");
  }
  return needs;
}

function describe(issue: z.core.$ZodIssue, given: boolean): string {
  const name = `aihub:${issue.path.map(String).join(".")}`;
  if (!given) return `${name} is missing`;
  if (issue.code === "unrecognized_keys")
    return `${name} has unknown parts: ${issue.keys.join(", ")}`;
  const message = issue.message;
  return message.startsWith("is ") || message.startsWith("must ")
    ? `${name} ${message}`
    : `${name}: ${message}`;
}

function setCommand(key: string, path: PropertyKey[] = [key]): string {
  const flags = `${secretKeys.includes(key) ? "--secret " : ""}${structured.has(key) ? "--path " : ""}`;
  // An object is set part by part.
  const name = lists.has(key) ? `${key}[${String(path[1] ?? 0)}]` : path.map(String).join(".");
  const value = examples[key] ?? (secretKeys.includes(key) ? "" : "VALUE");
  return `set ${flags}${/[[\]]/.test(name) ? `'aihub:${name}'` : `aihub:${name}`} ${value}`.trimEnd();
}

/** The known key with the smallest edit distance, when at most two edits away. */
function nearest(key: string): string | undefined {
  let best: [string | undefined, number] = [undefined, 3];
  for (const known of knownKeys) {
    const distance = edits(key.toLowerCase(), known.toLowerCase());
    if (distance < best[1]) best = [known, distance];
  }
  return best[0];
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

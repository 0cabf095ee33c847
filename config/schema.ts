/**
 * Every setting of a hub: its type, default, limits and what it is for. The one place: Pulumi.yaml and the README's
 * table are checked against it, and `parse.ts` reports all mistakes at once from it.
 */
import { z } from "zod";
import { audiences, defaultAccess } from "../hub/access.ts";
import { parseLocation } from "../hub/backup-location.ts";
import { defaultImages, tagOf } from "../hub/images.ts";
import { type HubPasswords, passwordsSchema } from "../hub/passwords.ts";
import { hostImages, regions, sizes } from "../hub/sizes.ts";

export const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
export const LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory";

/** A DNS name: labels of letters, digits and inner hyphens, no scheme, port or path. */
const domainName =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const image = z
  .string()
  .regex(
    /^[a-z0-9][\w./:-]*[\w](?:@sha256:[0-9a-f]{64})?$/i,
    "must be an image reference, like nginx:1.28",
  )
  .superRefine((reference, context) => {
    const tag = tagOf(reference);
    if (tag === undefined && !reference.includes("@sha256:")) {
      context.addIssue(`"${reference}" names no version; write one, like nginx:1.28`);
    } else if (tag === "latest") {
      context.addIssue(
        `"${reference}" uses the tag latest, which changes by itself; pin a version`,
      );
    }
  });

const cidr = z.string().superRefine((value, context) => {
  const parsed = z.union([z.cidrv4(), z.cidrv6()]).safeParse(value);
  if (!parsed.success) {
    context.addIssue(`"${value}" is not an address range; write it like 203.0.113.7/32`);
  } else if (value.endsWith("/0")) {
    context.addIssue(
      `"${value}" opens SSH to the whole internet; name the addresses you administer from, like 203.0.113.7/32`,
    );
  }
});

/** A URL of one of the given schemes with host and, where `path` is set, a name after the host. */
function url(schemes: string[], example: string, path: boolean) {
  return z.string().superRefine((value, context) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    const sound =
      parsed &&
      schemes.includes(parsed.protocol.slice(0, -1)) &&
      parsed.hostname !== "" &&
      (!path || /^\/[^/]+/.test(parsed.pathname));
    // The value may hold a password, so it is never repeated.
    if (!sound) context.addIssue(`is not a URL of the form ${example}`);
  });
}

/** Undefined for what is no JSON. */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const oneOf = <const T extends readonly [string, ...string[]]>(values: T, what: string) =>
  z.enum(values, {
    error: (issue) => `unknown ${what} "${String(issue.input)}"; known: ${values.join(", ")}`,
  });

/** Where backups can go: spaces, off, or a restic location of an S3 bucket, an SFTP host or a folder of the host. */
const backupPlace = z.string().superRefine((place, context) => {
  if (place === "spaces" || place === "off") return;
  try {
    parseLocation(place);
  } catch (error) {
    context.addIssue(
      `must be spaces, off, s3:https://HOST/BUCKET, sftp:USER@HOST:/PATH or /FOLDER. ${(error as Error).message.split("\n")[0]}`,
    );
  }
});

/** A slash at the end of a place means nothing. */
const withoutSlash = (place?: string) => place?.replace(/\/$/, "");

const count = (usual: number) => z.coerce.number().int().min(0).max(1000).default(usual);

const audience = (usual: (typeof audiences)[number]) => oneOf(audiences, "audience").default(usual);

export const settingsSchema = z.strictObject({
  project: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,30}$/, "must be 2 to 31 lower-case letters, digits and hyphens")
    .default("aihub")
    .describe("Name of the hub's resources and of its DigitalOcean project"),
  domain: z
    .string()
    .superRefine((value, context) => {
      if (/^[a-z]+:\/\//i.test(value)) {
        context.addIssue(`"${value}" has a scheme; write the bare domain, like example.com`);
      } else if (!domainName.test(value)) {
        context.addIssue(`"${value}" is not a domain name; write it like example.com`);
      }
    })
    .describe("Domain the hub lives under"),
  subdomain: z
    .string()
    .refine((value) => value === "" || domainName.test(value), {
      error: (issue) =>
        `"${String(issue.input)}" is not a DNS label; write it like aihub, or "" for the bare domain`,
    })
    .default("aihub")
    .describe('Name in front of the domain; "" puts the hub on the bare domain'),
  dns: oneOf(["digitalocean", "elsewhere"], "DNS keeper")
    .default("digitalocean")
    .describe(
      "Who keeps the zone. digitalocean: the record is made; elsewhere: the outputs say which to make",
    ),
  region: oneOf(regions, "region")
    .default("nyc3")
    .describe("DigitalOcean region of droplet, volume and address"),
  size: oneOf(Object.keys(sizes) as [string, ...string[]], "size")
    .default("s-2vcpu-4gb")
    .describe("Droplet size; the memory plan must fit it"),
  image: oneOf(hostImages, "image")
    .default("docker-20-04")
    .describe("Base image of a new host; a running host is not replaced by a change"),
  hostGeneration: z.coerce
    .number()
    .int()
    .min(1)
    .default(1)
    .describe("Add one to replace the host; volume, address and data stay"),
  volumeSizeGib: z.coerce
    .number()
    .int()
    .min(10)
    .max(16384)
    .default(50)
    .describe("Size of the data volume in GiB; it can grow, never shrink"),
  adminCidrs: z
    .array(cidr)
    .min(1, "name at least one address range that may use SSH")
    .describe("Address ranges that may reach SSH"),
  adminEmail: z
    .email({ error: "must be an e-mail address" })
    .describe("Sign-in of the first administrator"),
  alertEmail: z
    .email({ error: "must be an e-mail address" })
    .optional()
    .describe(
      "Receives monitor and uptime alerts; must be verified with DigitalOcean. Unset: no alerts are made",
    ),
  timezone: z
    .string()
    .refine(
      (zone) => {
        try {
          return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
        } catch {
          return false;
        }
      },
      {
        error: (issue) => `unknown time zone "${String(issue.input)}"; write it like Europe/Berlin`,
      },
    )
    .default("UTC")
    .describe("Time zone of the host and the services"),
  uploadLimitMib: z.coerce
    .number()
    .int()
    .min(1)
    .max(10240)
    .default(512)
    .describe("Largest upload in MiB, for the chat and the file manager"),
  tlsMode: oneOf(["internal", "acme", "provided"], "TLS mode")
    .default("internal")
    .describe(
      "internal: a certificate from the hub's own CA; acme: one from Let's Encrypt, by whose terms the hub then goes; provided: tlsCertificate and tlsPrivateKey",
    ),
  acmeServer: url(["https"], LETS_ENCRYPT, true)
    .default(LETS_ENCRYPT)
    .describe("Directory of the ACME server for tlsMode acme"),
  acmeStagingServer: url(["https"], LETS_ENCRYPT_STAGING, true)
    .optional()
    .describe(
      "ACME server at which a first order is tried. Unset: Let's Encrypt's own with Let's Encrypt, none with another server",
    ),
  acmeCa: z
    .string()
    .regex(/-----BEGIN CERTIFICATE-----/, "must be a PEM certificate")
    .optional()
    .describe("PEM of the CA by which a private ACME server proves itself"),
  acmeResolver: z
    .string()
    .regex(
      /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])(?::\d{1,5})?$/i,
      "must be the address of a DNS server, like 10.0.0.2:53",
    )
    .optional()
    .describe("DNS server that a private ACME server asks. Unset: the host's"),
  modelApiUrl: url(["http", "https"], "https://api.example.com/v1", false)
    .optional()
    .describe("OpenAI-compatible API that the chat offers from the start"),
  access: z
    .strictObject({
      files: audience(defaultAccess.files),
      code: audience(defaultAccess.code),
      home: audience(defaultAccess.home),
      tools: audience(defaultAccess.tools),
    })
    .prefault({})
    .describe(
      "Whom each door opens for, members or admins of the chat. tools: programs that a person lets in at /mcp",
    ),
  readers: z
    .array(
      z.union([z.literal("*"), z.email()], {
        error: (issue) =>
          `"${String(issue.input)}" is no e-mail address; write the member's address, or "*" for all members`,
      }),
    )
    .default([])
    .describe('Members who may only look at files, by e-mail address; "*" for all members'),
  chatServerTools: oneOf(["off", "manage", "code"], "choice of tools")
    .default("off")
    .describe(
      "Tools by which models reach the chat server itself. manage: look and make chats; code: also add functions and tools, which run inside it",
    ),
  backup: z
    .strictObject({
      /** `spaces`: a bucket that the program makes. `off`: none, and the hub says so. */
      to: backupPlace.default("spaces"),
      /** Points are brought back from there, and never a new one is made: for a host of a fire drill. */
      readOnly: z
        .union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")])
        .default(false),
      /** SSH host key of an SFTP place, as known_hosts has it: like "ssh-ed25519 AAAA...". */
      hostKey: z.string().optional(),
      /** Minutes between recovery points. */
      everyMinutes: z.coerce
        .number()
        .refine((minutes) => 60 % minutes === 0 && minutes >= 5, "must be 5, 10, 15, 20, 30 or 60")
        .default(15),
      /** When the night's point is taken, proven and old ones are let go: HH:MM in the hub's time zone. */
      nightlyAt: z
        .string()
        .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "must be a time like 02:00")
        .default("02:00"),
      /** Points kept: the last of each of so many hours, days, weeks and months. */
      keep: z
        .strictObject({ hourly: count(24), daily: count(30), weekly: count(8), monthly: count(12) })
        .refine((keep) => Object.values(keep).some(Boolean), "must keep something")
        .prefault({}),
      /** Place of a second copy, each night. */
      copyTo: backupPlace
        .refine((place) => place !== "spaces" && place !== "off", "must be a place")
        .optional(),
      copyHostKey: z.string().optional(),
      /** Git repository that gets the workspace's projects each night, like git@github.com:team/workspace.git. */
      gitUrl: z
        .string()
        .regex(
          /^(?:[\w.-]+@[\w.-]+:[\w./-]+|ssh:\/\/[^\s]+)$/,
          "must be like git@github.com:team/workspace.git",
        )
        .optional(),
      /** SSH host key of that host. */
      gitHostKey: z.string().optional(),
    })
    .refine(({ to, copyTo }) => withoutSlash(to) !== withoutSlash(copyTo), {
      path: ["copyTo"],
      message: "must be another place than backup.to",
    })
    .prefault({})
    .describe(
      "Recovery points: to where (to: spaces, off, s3:https://HOST/BUCKET, sftp:USER@HOST:/PATH, /FOLDER), how often (everyMinutes 15, nightlyAt 02:00), how many (keep: hourly 24, daily 30, weekly 8, monthly 12), a second copy (copyTo), a git repository for the workspace (gitUrl)",
    ),
  upgradeWithout: oneOf(["nothing", "rehearsal", "point", "both"], "guard of an upgrade")
    .default("nothing")
    .describe(
      "What an upgrade of Open WebUI may go without: its rehearsal on a copy of the data, the recovery point before it, or both",
    ),
  images: z
    .strictObject({
      openWebui: image.default(defaultImages.openWebui),
      node: image.default(defaultImages.node),
      files: image.default(defaultImages.files),
      codeServer: image.default(defaultImages.codeServer),
      nginx: image.default(defaultImages.nginx),
      postgres: image.default(defaultImages.postgres),
      valkey: image.default(defaultImages.valkey),
      certbot: image.default(defaultImages.certbot),
      restic: image.default(defaultImages.restic),
    })
    .prefault({})
    .describe("Container images by role, each pinned to a version"),
});

/** Values that are kept encrypted and never shown. All optional: without the URLs the hub runs its own. */
export const secretsSchema = z.strictObject({
  databaseUrl: url(
    ["postgres", "postgresql"],
    "postgresql://user:password@host:5432/database",
    true,
  )
    .optional()
    .describe("External PostgreSQL with pgvector. Unset: the hub runs its own"),
  redisUrl: url(["redis", "rediss"], "rediss://user:password@host:25061", false)
    .optional()
    .describe("External Valkey or Redis. Unset: the hub runs its own"),
  tlsCertificate: z
    .string()
    .regex(/-----BEGIN CERTIFICATE-----/, "must be a PEM certificate chain")
    .optional()
    .describe("PEM chain for tlsMode provided"),
  tlsPrivateKey: z
    .string()
    .regex(/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "must be a PEM private key")
    .optional()
    .describe("PEM key for tlsMode provided"),
  modelApiKey: z.string().min(1).optional().describe("Key for modelApiUrl"),
  backupAccessKey: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Access key of the S3 bucket in backup.to; unset with spaces, whose key the program makes",
    ),
  backupSecretKey: z
    .string()
    .min(1)
    .optional()
    .describe("Secret key of the S3 bucket in backup.to"),
  backupSshKey: z
    .string()
    .regex(/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "must be an OpenSSH private key")
    .optional()
    .describe("OpenSSH private key for SFTP in backup.to and backup.copyTo"),
  backupCopyAccessKey: z
    .string()
    .min(1)
    .optional()
    .describe("Access key of the S3 bucket in backup.copyTo"),
  backupCopySecretKey: z
    .string()
    .min(1)
    .optional()
    .describe("Secret key of the S3 bucket in backup.copyTo"),
  backupGitKey: z
    .string()
    .regex(/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "must be an OpenSSH private key")
    .optional()
    .describe("OpenSSH deploy key, with write access, of backup.gitUrl"),
  recovered: z
    .string()
    .transform((text, context): HubPasswords => {
      const parsed = passwordsSchema.safeParse(json(text));
      if (parsed.success) return parsed.data;
      context.addIssue(
        "must be the passwords of an escrow, as npm run hub -- escrow --adopt sets it",
      );
      return z.NEVER;
    })
    .optional()
    .describe(
      "Passwords taken over from the escrow of a hub that is gone, as JSON. Unset: the hub makes its own",
    ),
});

export type Settings = z.output<typeof settingsSchema>;
export type ConfigSecrets = z.output<typeof secretsSchema>;

/** ACME server at which a first order is tried; undefined: none. */
export function stagingServer(
  settings: Pick<Settings, "acmeServer" | "acmeStagingServer">,
): string | undefined {
  if (settings.acmeStagingServer !== undefined) return settings.acmeStagingServer;
  return settings.acmeServer === LETS_ENCRYPT ? LETS_ENCRYPT_STAGING : undefined;
}

/** Host name the hub answers to. */
export function hostName(settings: Pick<Settings, "domain" | "subdomain">): string {
  return settings.subdomain === "" ? settings.domain : `${settings.subdomain}.${settings.domain}`;
}

/** What an escrow holds: with the bucket, all that is needed to have the hub again on another account. */
import { z } from "zod";
import { passwordsSchema } from "../hub/passwords.ts";

/** A place of backups, and what opens it. */
export const repositorySchema = z.strictObject({
  /** As restic takes it: s3:https://HOST/BUCKET, sftp:USER@HOST:/PATH or a folder on the host. */
  location: z.string().min(1),
  /** Decrypts what lies there. */
  password: z.string().min(1),
  /** AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or SSH_PRIVATE_KEY and SSH_KNOWN_HOSTS, both as text; empty for a folder. */
  access: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()),
});

/** The program's secret output `escrow`: what a stack's settings do not hold. */
export const escrowOutputSchema = z.strictObject({
  passwords: passwordsSchema,
  /** Missing: backups are off. */
  repository: repositorySchema.optional(),
  /** The second copy. */
  copy: repositorySchema.optional(),
  /** Public key of the hub's key that signs the records of drills. */
  signingKey: z.string().optional(),
});

export const contentsSchema = z.strictObject({
  version: z.literal(1),
  /** When it was made, ISO 8601. */
  made: z.iso.datetime(),
  stack: z.string(),
  url: z.string(),
  /** The stack's settings as text by key, without the namespace; lists and objects as JSON. */
  settings: z.record(z.string(), z.string()),
  /** The settings that are secret, given by a person. */
  secrets: z.record(z.string(), z.string()),
  passwords: passwordsSchema,
  repository: repositorySchema,
  copy: repositorySchema.optional(),
  signingKey: z.string().optional(),
});

export type Repository = z.output<typeof repositorySchema>;
export type EscrowOutput = z.output<typeof escrowOutputSchema>;
export type EscrowContents = z.output<typeof contentsSchema>;

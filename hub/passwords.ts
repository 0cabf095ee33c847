/** The passwords that a hub makes for itself, and takes over from the escrow of a hub that is gone. */
import { z } from "zod";

/** Letters and digits only, as components/passwords.ts makes them: they go into URLs and env files as they are. */
const password = z.string().regex(/^[A-Za-z0-9]{16,128}$/, "must be 16 to 128 letters and digits");

export const passwordsSchema = z.strictObject({
  adminPassword: password,
  mcpToken: password,
  webuiSecretKey: password,
  postgresPassword: password,
  valkeyPassword: password,
  /** Encrypts the backups. */
  backupPassword: password,
});

export type HubPasswords = z.output<typeof passwordsSchema>;

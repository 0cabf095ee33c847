/** What a fire drill found, signed, so that nobody can claim one that was not. */
import { createPublicKey, verify } from "node:crypto";
import { z } from "zod";

export const drillRecordSchema = z.strictObject({
  version: z.literal(1),
  /** When it was begun, ISO 8601. */
  time: z.iso.datetime(),
  /** Stack whose backups they are. */
  stack: z.string(),
  /** Everything came back and was read. */
  ok: z.boolean(),
  /** What was restored; null: it did not come that far. */
  point: z
    .strictObject({ name: z.string(), snapshot: z.string(), time: z.iso.datetime() })
    .nullable(),
  /** From the begin until everything was read; null: it did not come that far. */
  recoveryTimeSeconds: z.number().nonnegative().nullable(),
  /** Age of the data at the begin of the drill: what would have been lost. */
  recoveryPointSeconds: z.number().nonnegative().nullable(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  /** What ran: the release, Open WebUI. */
  versions: z.record(z.string(), z.string()),
});

export type DrillRecord = z.infer<typeof drillRecordSchema>;

export const signedDrillSchema = z.strictObject({
  record: drillRecordSchema,
  /** OpenSSH public key, without a comment. */
  key: z.string(),
  /** Of the record as JSON; base64. */
  signature: z.string(),
});

export type SignedDrill = z.infer<typeof signedDrillSchema>;

/** What is signed. */
export function drillText(record: DrillRecord): string {
  return JSON.stringify(drillRecordSchema.parse(record));
}

/** Whether the record is as it was signed by the owner of one of these keys. */
export function isGenuine(
  { record, key, signature }: SignedDrill,
  keys: readonly string[],
): boolean {
  if (!keys.some((each) => sameKey(each, key))) return false;
  const raw = rawKey(key);
  if (!raw) return false;
  const publicKey = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") },
    format: "jwk",
  });
  return verify(null, Buffer.from(drillText(record)), publicKey, Buffer.from(signature, "base64"));
}

function sameKey(one: string, other: string): boolean {
  const [a, b] = [rawKey(one), rawKey(other)];
  return a !== undefined && b !== undefined && a.equals(b);
}

/** The 32 bytes of an `ssh-ed25519` key; undefined: it is another kind. */
function rawKey(openssh: string): Buffer | undefined {
  const [kind, base64 = ""] = openssh.trim().split(/\s+/);
  const bytes = Buffer.from(base64, "base64");
  // Name and key, each after its length in four bytes.
  return kind === "ssh-ed25519" && bytes.length === 51 ? bytes.subarray(19) : undefined;
}

/** Opens an escrow: armored or not, sealed by this program or by any age program. */
import { armor, Decrypter } from "age-encryption";
import { UserError } from "../hub/user-error.ts";
import { contentsSchema, type EscrowContents } from "./contents.ts";

/** What opens it: a passphrase, or the lines of an age identity file. */
export type OpenBy = { passphrase: string } | { identity: string };

const INTRODUCTION = "age-encryption.org/v1\n";

/** @throws UserError: wrong key, damaged, no escrow, of a newer version. Never with anything of the contents */
export async function openEscrow(file: Uint8Array, by: OpenBy): Promise<EscrowContents> {
  const sealed = unarmored(file);
  const decrypter = new Decrypter();
  if ("passphrase" in by) decrypter.addPassphrase(by.passphrase);
  else for (const key of identities(by.identity)) addIdentity(decrypter, key);
  let text: string;
  try {
    text = await decrypter.decrypt(sealed, "text");
  } catch (error) {
    throw new UserError(reason(error, sealed, by));
  }
  return parse(text);
}

function unarmored(file: Uint8Array): Uint8Array {
  const text = Buffer.from(file).toString("latin1");
  if (text.startsWith(INTRODUCTION)) return file;
  if (!/^\s*-----BEGIN AGE ENCRYPTED FILE-----/.test(text)) {
    throw new UserError("This is no escrow: it is not an age file, or its beginning is damaged");
  }
  try {
    return armor.decode(text);
  } catch {
    throw new UserError("The escrow is damaged: its text is not whole. Take another copy of it");
  }
}

/** As age-keygen writes them: a key a line, comments between. */
function identities(text: string): string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines.length === 0) throw new UserError("There is no age identity in the file given");
  return lines;
}

function addIdentity(decrypter: Decrypter, key: string): void {
  try {
    decrypter.addIdentity(key);
  } catch {
    throw new UserError(
      "What is given is no age identity; one is a line like AGE-SECRET-KEY-1..., as age-keygen writes it.\n" +
        "  Keys of plugins, SSH keys and identity files with a passphrase are not taken: open the escrow by age itself",
    );
  }
}

function reason(error: unknown, sealed: Uint8Array, by: OpenBy): string {
  const why = error instanceof Error ? error.message : String(error);
  if (!/no identity matched/.test(why)) {
    return "The escrow is damaged: it does not decrypt as a whole. Take another copy of it";
  }
  const byPassphrase = /^-> scrypt /m.test(Buffer.from(sealed.subarray(0, 200)).toString("latin1"));
  if ("passphrase" in by) {
    return byPassphrase
      ? "The passphrase does not open the escrow"
      : "The escrow is sealed to age recipients, not by a passphrase; give the key of one: --identity FILE";
  }
  return byPassphrase
    ? "The escrow is sealed by a passphrase, not to age recipients; leave --identity out"
    : "The identity does not open the escrow: it is sealed to other recipients";
}

function parse(text: string): EscrowContents {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError("The age file opens, but what is in it is no escrow of a hub");
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > 1) {
    throw new UserError(
      `The escrow is of version ${version}, and this checkout knows version 1; use the checkout that made it, or a newer one`,
    );
  }
  const parsed = contentsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  // The values are secrets; where it is wrong is said by names alone.
  const places = parsed.error.issues.map(
    (issue) => issue.path.map(String).join(".") || "the whole",
  );
  throw new UserError(
    `The age file opens, but what is in it is no escrow of a hub; wrong in it: ${[...new Set(places)].join(", ")}`,
  );
}

/** Seals an escrow as an age file, armored, which any age program opens without this one. */
import { armor, Encrypter } from "age-encryption";
import { UserError } from "../hub/user-error.ts";
import { contentsSchema, type EscrowContents } from "./contents.ts";

/** To whom: age knows a passphrase or recipients, never both in one file. */
export type SealTo = { passphrase: string } | { recipients: string[] };

/** A passphrase is guessed at leisure by whoever has the file: 16 characters, about five random words. */
export const SHORTEST_PASSPHRASE = 16;

/** @throws UserError for a passphrase that is too short, and for what is no recipient */
export async function seal(contents: EscrowContents, to: SealTo): Promise<string> {
  const encrypter = new Encrypter();
  if ("passphrase" in to) {
    if (to.passphrase.length < SHORTEST_PASSPHRASE) {
      throw new UserError(
        `The passphrase is too short: ${SHORTEST_PASSPHRASE} characters at least, like five random words`,
      );
    }
    encrypter.setPassphrase(to.passphrase);
  } else {
    if (to.recipients.length === 0) throw new UserError("No age recipient is given");
    for (const recipient of to.recipients) addRecipient(encrypter, recipient);
  }
  const text = `${JSON.stringify(contentsSchema.parse(contents), null, 2)}\n`;
  return armor.encode(await encrypter.encrypt(text));
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  // A secret key given by mistake is not repeated.
  const shown = /^age1/.test(recipient) ? `"${recipient.slice(0, 16)}…"` : "what is given";
  try {
    encrypter.addRecipient(recipient);
  } catch {
    throw new UserError(
      `${shown} is no age recipient; one is written like age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p, and age-keygen makes it.\n` +
        "  Recipients of plugins (age1yubikey1...) and SSH keys are not taken",
    );
  }
}

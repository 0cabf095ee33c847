/** Asks the person at the keyboard for a passphrase, without showing it. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { UserError } from "../../hub/user-error.ts";

/** @throws UserError when there is no terminal, or the person stops */
export async function askPassphrase(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new UserError(
      "There is no terminal to ask for the passphrase; give --passphrase-file FILE, or --recipient and --identity",
    );
  }
  stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // As a terminal, it takes the echo away.
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("SIGINT", () => reject(new UserError("Stopped: no passphrase was given")));
      lines.once("close", () => reject(new UserError("Stopped: no passphrase was given")));
    });
  } finally {
    lines.close();
    stderr.write("\n");
  }
}

/** @throws UserError when the two differ */
export async function askNewPassphrase(): Promise<string> {
  const first = await askPassphrase("Passphrase for the escrow: ");
  if ((await askPassphrase("Once more: ")) !== first) {
    throw new UserError("The two passphrases differ; nothing was written");
  }
  return first;
}

/** Reads an escrow, and what opens it, as the command line names them. */
import { readFile } from "node:fs/promises";
import type { OpenBy } from "../../escrow/open.ts";
import { UserError } from "../../hub/user-error.ts";
import { askPassphrase } from "./passphrase.ts";
import type { Values } from "./verb.ts";

/** What opens an escrow that is there; asks for the passphrase where no file is named. */
export async function escrowKey(values: Values): Promise<OpenBy> {
  const { identity, "passphrase-file": file } = values;
  if (typeof identity === "string") return { identity: (await readGiven(identity)).toString() };
  if (typeof file === "string") return { passphrase: await firstLine(file) };
  return { passphrase: await askPassphrase("Passphrase of the escrow: ") };
}

export async function readGiven(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

export async function firstLine(file: string): Promise<string> {
  return /^[^\r\n]*/.exec((await readGiven(file)).toString())?.[0] ?? "";
}

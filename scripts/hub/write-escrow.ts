import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { EscrowContents } from "../../escrow/contents.ts";
import { type OpenBy, openEscrow } from "../../escrow/open.ts";
import type { OpenedRepository } from "../../escrow/open-repository.ts";
import { type SealTo, seal } from "../../escrow/seal.ts";
import { UserError } from "../../hub/user-error.ts";

export interface EscrowFile {
  out: string;
  to: SealTo;
  /** Unset: the file cannot be opened again here, and stays unverified. */
  by: OpenBy | undefined;
  /** Whether a file that is there may be replaced. */
  force: boolean;
  /** Command that verifies the file later, for the message. */
  verifyCommand: string;
  /** Opens the backups with what was read back from the file, and nothing else. */
  openWith(contents: EscrowContents): Promise<OpenedRepository>;
}

/**
 * Writes the sealed file (0600), whole or not at all, and verifies it before it takes an older one's place.
 * @returns what was found in the repository; undefined when the file could not be opened here
 * @throws UserError when it does not verify. An older file is then still there; where there was none, the new one is
 */
export async function writeEscrow(
  contents: EscrowContents,
  { out, to, by, force, verifyCommand, openWith }: EscrowFile,
): Promise<OpenedRepository | undefined> {
  const older = await there(out);
  if (older && !force) throw alreadyThere(out);
  const beside = join(dirname(out), `.${basename(out)}.${randomBytes(4).toString("hex")}`);
  try {
    await writeSynced(beside, await seal(contents, to));
    if (by) {
      const opened = await openEscrow(await readFile(beside), by);
      if (!isDeepStrictEqual(opened, contents)) {
        throw new UserError(`What is read back from ${out} is not what was written`);
      }
      let found: OpenedRepository;
      try {
        found = await openWith(opened);
      } catch (error) {
        if (older || !(error instanceof UserError)) throw error;
        // The keys are worth having all the same.
        await rename(beside, out);
        throw new UserError(
          `${out} is written and opens, but it is NOT VERIFIED: ${error.message}\n` +
            `  Once that is put right: ${verifyCommand}`,
        );
      }
      await rename(beside, out);
      return found;
    }
    await rename(beside, out);
    return undefined;
  } finally {
    await rm(beside, { force: true });
  }
}

/** @throws UserError when a file is there that must not be replaced, or the folder is not */
export async function requireFree(out: string, force: boolean): Promise<void> {
  if (!(await there(dirname(out)))) {
    throw new UserError(`There is no folder ${dirname(out)} to write the escrow to`);
  }
  if (!force && (await there(out))) throw alreadyThere(out);
}

function alreadyThere(out: string): UserError {
  return new UserError(
    `${out} is there already, and an older escrow may open older backups; choose another name, or replace it by --force`,
  );
}

/** The nearest folder above that is a git work tree; undefined: none. */
export async function workTreeAround(path: string): Promise<string | undefined> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (await there(join(folder, ".git"))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

async function there(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw error;
    },
  );
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

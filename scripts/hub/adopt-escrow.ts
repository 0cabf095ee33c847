import { writeFile } from "node:fs/promises";
import type { EscrowContents } from "../../escrow/contents.ts";
import { UserError } from "../../hub/user-error.ts";
import { setSecret } from "./set-secret.ts";
import { type OpenStack, stackFile } from "./stack.ts";

/** The settings that open the repository, by what restic calls them. */
const accessSettings: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: "backupAccessKey",
  AWS_SECRET_ACCESS_KEY: "backupSecretKey",
  SSH_PRIVATE_KEY: "backupSshKey",
};

/**
 * Gives a new stack the settings, secrets and passwords of the hub whose escrow it is, with that hub's repository as the
 * place of its backups. All or nothing: on an error the stack's settings are as they were.
 * @throws UserError for a stack that has made something already, unless forced
 */
export async function adoptEscrow(
  open: Pick<OpenStack, "stack" | "env" | "pulumi" | "workDir">,
  { settings, secrets, passwords, repository }: EscrowContents,
  { force }: { force: boolean },
): Promise<void> {
  const { stack } = open;
  const { deployment } = (await stack.exportStack()) as { deployment?: { resources?: unknown[] } };
  if ((deployment?.resources ?? []).length > 0 && !force) {
    throw new UserError(
      `Stack ${stack.name} has resources already: other passwords would lock it out of its own data.\n` +
        "  Take a new stack, like --stack recovered; --force does it all the same",
    );
  }
  const before = await stackFile(open);
  try {
    const plain: Record<string, { value: string }> = {};
    const byPath: Record<string, { value: string }> = {};
    for (const [key, text] of Object.entries(settings)) {
      const value = structure(text);
      if (value === undefined) plain[`aihub:${key}`] = { value: text };
      else {
        // A list that is there would keep what it has more.
        await stack.removeConfig(`aihub:${key}`);
        for (const [path, leaf] of leaves(`aihub:${key}`, value)) byPath[path] = { value: leaf };
      }
    }
    byPath["aihub:backup.to"] = { value: repository.location };
    await stack.setAllConfig(plain);
    await stack.setAllConfig(byPath, true);
    const encrypted: Record<string, string> = {
      ...secrets,
      recovered: JSON.stringify({ ...passwords, backupPassword: repository.password }),
    };
    for (const [name, value] of Object.entries(repository.access)) {
      const key = accessSettings[name];
      if (key !== undefined) encrypted[key] = value;
    }
    for (const [key, value] of Object.entries(encrypted)) await setSecret(open, key, value);
  } catch (error) {
    await writeFile(before.path, before.text);
    throw error;
  }
}

/** Undefined for text that is a value by itself. */
function structure(text: string): object | undefined {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

/** Each value of a list or an object, with its path as the engine writes it: `key[0]`, `key.part`. */
function leaves(path: string, value: unknown): [string, string][] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => leaves(`${path}[${index}]`, item));
  if (value !== null && typeof value === "object")
    return Object.entries(value).flatMap(([key, item]) => leaves(`${path}.${key}`, item));
  return [[path, String(value)]];
}

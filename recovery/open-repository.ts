/** Opens the hub's repository, or its second copy, with what the host was given for it. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { knownHostsLine } from "../hub/backup-location.ts";
import { UserError } from "../hub/user-error.ts";
import { CACHE, TOOLS } from "./place.ts";
import { openRepository, type Repository } from "./repository/restic.ts";
import type { RecoverySecrets, RepositoryAccess } from "./settings.ts";

/** In memory: keys never lie on a disk that may be copied. */
const KEYS = "/run/aihub-recovery";

/** @throws UserError when backups are off */
export async function hubRepository(
  secrets: RecoverySecrets,
  options: { cacheDir?: string } = {},
): Promise<Repository> {
  if (secrets.repository === undefined) {
    throw new UserError(
      "Backups are off.\n  fix: npm run hub -- config set backup.to spaces, then npm start",
    );
  }
  return open("repository", secrets.repository, secrets, options);
}

/** Undefined: no second copy is wanted. */
export async function copyRepository(secrets: RecoverySecrets): Promise<Repository | undefined> {
  return secrets.copy && open("copy", secrets.copy, secrets);
}

async function open(
  name: "repository" | "copy",
  access: RepositoryAccess,
  { password, sshKey }: RecoverySecrets,
  { cacheDir = CACHE }: { cacheDir?: string } = {},
): Promise<Repository> {
  await mkdir(KEYS, { recursive: true, mode: 0o700 });
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  const file = async (part: string, text: string) => {
    const path = join(KEYS, part);
    await writeFile(path, text.endsWith("\n") ? text : `${text}\n`, { mode: 0o600 });
    return path;
  };
  const pinned =
    access.hostKey === undefined ? undefined : knownHostsLine(access.location, access.hostKey);
  return openRepository({
    program: join(TOOLS, "restic"),
    location: access.location,
    password,
    env: access.env,
    cacheDir,
    ...(pinned !== undefined && sshKey !== undefined
      ? {
          sftp: {
            keyFile: await file("ssh-key", sshKey),
            knownHosts: await file(`known-hosts-${name}`, pinned),
          },
        }
      : {}),
  });
}

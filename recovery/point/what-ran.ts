/** The release and the secrets that run, copied beside the data: with them a point is a hub and not only its files. */
import { cp, mkdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CURRENT, ROOT } from "../place.ts";

/** @returns digest of the release; "" when none runs yet */
export async function copyWhatRan(staging: string): Promise<string> {
  const release = await realpath(CURRENT).catch(() => undefined);
  await rm(join(staging, "release"), { recursive: true, force: true });
  await rm(join(staging, "secrets"), { recursive: true, force: true });
  if (release === undefined) return "";
  await cp(release, join(staging, "release"), { recursive: true });
  const applied = await readFile(join(ROOT, "secrets/applied.env"), "utf8");
  const secrets = join(staging, "secrets");
  await mkdir(secrets, { recursive: true, mode: 0o700 });
  await writeFile(join(secrets, "applied.env"), applied, { mode: 0o600 });
  for (const [, folder] of applied.matchAll(/^SECRETS_\w+=(\S+)$/gm)) {
    if (folder === undefined) continue;
    await cp(folder, join(secrets, basename(folder)), { recursive: true });
  }
  return basename(release);
}

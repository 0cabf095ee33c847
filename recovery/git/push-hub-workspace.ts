/** Pushes this hub's workspace to the repository of its settings, and records how it went. */
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { DATA, RECOVERY } from "../place.ts";
import type { Progress } from "../progress.ts";
import { recordGit } from "../report.ts";
import type { RecoverySecrets, RecoverySettings } from "../settings.ts";
import { ownSecrets } from "./own-secrets.ts";
import { type PushedWorkspace, pushWorkspace } from "./push-workspace.ts";
import { SecretScanner } from "./secret-scanner.ts";
import { serviceSecrets } from "./service-secrets.ts";

/** In memory, like the other keys. */
const KEYS = "/run/aihub-recovery";

/** @returns undefined when no such push is wanted @throws UserError, recorded */
export async function pushHubWorkspace(
  settings: RecoverySettings,
  secrets: RecoverySecrets,
  progress: Progress,
): Promise<PushedWorkspace | undefined> {
  if (settings.gitUrl === undefined) {
    await recordGit(undefined);
    return undefined;
  }
  try {
    if (secrets.git === undefined) {
      throw new UserError(
        "The git repository has no key yet.\n  fix: set backupGitKey and backup.gitHostKey, then npm start",
      );
    }
    const pushed = await pushWorkspace(
      {
        workspace: join(DATA, "workspace"),
        folder: join(RECOVERY, "git"),
        remote: { url: settings.gitUrl, ...secrets.git, keysFolder: KEYS },
        hostname: new URL(settings.url).hostname,
        scanner: new SecretScanner([...ownSecrets(secrets), ...(await serviceSecrets())]),
      },
      progress,
    );
    await recordGit(pushed);
    return pushed;
  } catch (error) {
    await recordGit(error as Error);
    throw error;
  }
}

export function pushedText({ commit, changed, files, secrets, leftOut }: PushedWorkspace): string {
  const lines = [
    commit === undefined
      ? "The workspace is empty: nothing to push"
      : `${changed ? "Pushed" : "Nothing new since"} ${commit.slice(0, 12)}: ${files} files`,
    ...secrets.map(
      ({ path, kinds, pushedBefore }) =>
        `left out, looks like a secret: ${path} (${kinds.join(", ")})${pushedBefore ? "; it was pushed before, change that secret" : ""}`,
    ),
    ...leftOut.map(({ path, why }) => `left out: ${path} (${why})`),
  ];
  return `${lines.join("\n  ")}\n`;
}

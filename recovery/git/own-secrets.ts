/** What opens the hub itself: none of it may leave with the workspace, in whichever file somebody noted it. */
import type { RecoverySecrets } from "../settings.ts";

export function ownSecrets(secrets: RecoverySecrets): string[] {
  const { password, mcpToken, adminPassword, sshKey, git, databaseUrl, repository, copy } = secrets;
  const access = [repository, copy].flatMap((place) =>
    Object.entries(place?.env ?? {}).flatMap(([name, value]) =>
      /KEY|SECRET|TOKEN|PASSWORD/.test(name) ? [value] : [],
    ),
  );
  const database =
    databaseUrl === undefined ? "" : decodeURIComponent(new URL(databaseUrl).password);
  return [password, mcpToken, adminPassword, sshKey, git?.key, database, ...access].filter(
    (value) => value !== undefined && value !== "",
  ) as string[];
}

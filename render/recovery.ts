/** What the host's recovery program is told, in the shapes that it reads (`recovery/settings.ts`). */
import { fingerprintOf } from "../escrow/fingerprint.ts";
import { sealed } from "../hub/backup-places.ts";
import type { Hub } from "../hub/hub.ts";
import type { BackupPlace, HubSecrets } from "../hub/secrets.ts";
import type { RecoverySecrets, RecoverySettings } from "../recovery/settings.ts";

export function recoverySettingsOf({ settings, url, ...hub }: Hub): RecoverySettings {
  const { everyMinutes, nightlyAt, keep, gitUrl } = settings.backup;
  return {
    enabled: settings.backup.to !== "off" && !settings.backup.readOnly,
    url,
    everyMinutes,
    nightlyAt,
    keep,
    database: hub.externalDatabase ? "external" : "embedded",
    cache: hub.externalCache ? "external" : "embedded",
    postgresImage: settings.images.postgres,
    adminEmail: settings.adminEmail,
    upgradeWithout: settings.upgradeWithout,
    ...(gitUrl === undefined ? {} : { gitUrl }),
  };
}

export function recoverySecretsOf({ settings }: Hub, secrets: HubSecrets): RecoverySecrets {
  const { repository, copy, backupSshKey, backupGitKey, databaseUrl } = secrets;
  const { gitHostKey } = settings.backup;
  const seal = (place: BackupPlace) => sealed(place, secrets.backupPassword, backupSshKey);
  return {
    password: secrets.backupPassword,
    ...(repository
      ? {
          fingerprint: fingerprintOf({
            repository: seal(repository),
            copy: copy && seal(copy),
          }),
        }
      : {}),
    mcpToken: secrets.mcpToken,
    adminPassword: secrets.adminPassword,
    ...(repository ? { repository } : {}),
    ...(copy ? { copy } : {}),
    ...(backupSshKey ? { sshKey: backupSshKey } : {}),
    ...(backupGitKey && gitHostKey ? { git: { key: backupGitKey, hostKey: gitHostKey } } : {}),
    ...(databaseUrl ? { databaseUrl } : {}),
  };
}

/** Places for recovery points that the settings name; the program's own bucket is not among them. */
import type { ConfigSecrets, Settings } from "../config/schema.ts";
import type { Repository } from "../escrow/contents.ts";
import { knownHostsLine } from "./backup-location.ts";
import type { BackupPlace } from "./secrets.ts";

export interface BackupPlaces {
  repository?: BackupPlace;
  copy?: BackupPlace;
}

export function backupPlacesOf(
  { backup }: Pick<Settings, "backup">,
  secrets: ConfigSecrets,
): BackupPlaces {
  const { to, hostKey, copyTo, copyHostKey } = backup;
  const { backupAccessKey, backupSecretKey, backupCopyAccessKey, backupCopySecretKey } = secrets;
  return {
    ...(to === "spaces" || to === "off"
      ? {}
      : { repository: place(to, hostKey, backupAccessKey, backupSecretKey) }),
    ...(copyTo === undefined
      ? {}
      : { copy: place(copyTo, copyHostKey, backupCopyAccessKey, backupCopySecretKey) }),
  };
}

function place(
  location: string,
  hostKey: string | undefined,
  accessKey = "",
  secretKey = "",
): BackupPlace {
  if (location.startsWith("s3:")) return s3Place(location, accessKey, secretKey);
  return { location, env: {}, ...(hostKey === undefined ? {} : { hostKey }) };
}

export function s3Place(location: string, accessKey: string, secretKey: string): BackupPlace {
  return {
    location,
    env: { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey },
  };
}

/** A place as an escrow holds it: with all that opens it. */
export function sealed(
  { location, env, hostKey }: BackupPlace,
  password: string,
  sshKey: string | undefined,
): Repository {
  const pinned = hostKey === undefined ? undefined : knownHostsLine(location, hostKey);
  return {
    location,
    password,
    access: {
      ...env,
      ...(pinned !== undefined && sshKey !== undefined
        ? { SSH_PRIVATE_KEY: sshKey, SSH_KNOWN_HOSTS: pinned }
        : {}),
    },
  };
}

/** An escrow as it reads when the first place of the backups is lost and the second copy takes its place. */
import { UserError } from "../hub/user-error.ts";
import type { EscrowContents } from "./contents.ts";

/** What opened the lost place, and what says that there is a second one. */
const lostSecrets = [
  "backupAccessKey",
  "backupSecretKey",
  "backupSshKey",
  "backupCopyAccessKey",
  "backupCopySecretKey",
];

/** @throws UserError when there is no second copy */
export function fromCopy({ copy, ...contents }: EscrowContents): EscrowContents {
  if (copy === undefined) {
    throw new UserError("The escrow knows of no second copy; leave --from-copy out");
  }
  const { settings, secrets } = contents;
  const { hostKey, copyTo, copyHostKey, ...backup } = JSON.parse(settings.backup ?? "{}") as Record<
    string,
    unknown
  >;
  return {
    ...contents,
    settings: {
      ...settings,
      backup: JSON.stringify({ ...backup, ...(copyHostKey ? { hostKey: copyHostKey } : {}) }),
    },
    // Its own keys are among what opens it.
    secrets: Object.fromEntries(
      Object.entries(secrets).filter(([name]) => !lostSecrets.includes(name)),
    ),
    repository: copy,
  };
}

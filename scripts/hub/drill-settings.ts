/** The settings of a fire drill's host: those of the hub, without whatever reaches beyond the drill. */
import type { EscrowContents } from "../../escrow/contents.ts";
import { UserError } from "../../hub/user-error.ts";

export interface DrillHost {
  size: string;
  volumeSizeGib: number;
  /** Instead of the hub's own. */
  adminCidrs?: string[];
}

/** Would touch what the real hub uses: its database and cache, its alerts, its certificate authority, its models. */
const leftOut = [
  "alertEmail",
  "acmeServer",
  "acmeStagingServer",
  "acmeCa",
  "acmeResolver",
  "modelApiUrl",
  "hostGeneration",
];
const leftOutSecrets = [
  "databaseUrl",
  "redisUrl",
  "tlsCertificate",
  "tlsPrivateKey",
  "modelApiKey",
  "backupCopyAccessKey",
  "backupCopySecretKey",
  "backupGitKey",
];

/**
 * The drill's host has the hub's name, but no record leads to it; its certificate is from a CA of its own; it reads the
 * repository and never writes to it.
 * @throws UserError when the repository cannot be reached from another host
 */
export function drillContents(contents: EscrowContents, host: DrillHost): EscrowContents {
  const { repository, settings, secrets } = contents;
  if (repository.location.startsWith("/")) {
    throw new UserError(
      `The recovery points lie in ${repository.location} on the hub's host itself: if it is lost, they are too, and no other host can read them.\n` +
        "  fix: npm run hub -- config set backup.to spaces (or an s3: or sftp: place), npm start, and a new escrow",
    );
  }
  const without = (all: Record<string, string>, names: readonly string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
  return {
    ...contents,
    settings: {
      ...without(settings, leftOut),
      ...(host.adminCidrs === undefined ? {} : { adminCidrs: JSON.stringify(host.adminCidrs) }),
      dns: "elsewhere",
      tlsMode: "internal",
      size: host.size,
      volumeSizeGib: String(host.volumeSizeGib),
      backup: JSON.stringify(backupOf(settings.backup)),
    },
    secrets: without(secrets, leftOutSecrets),
  };
}

/** The place alone, to be read; adopting the escrow fills `to`. */
function backupOf(text: string | undefined): Record<string, unknown> {
  const { hostKey } = (text === undefined ? {} : JSON.parse(text)) as { hostKey?: string };
  return { readOnly: true, ...(hostKey === undefined ? {} : { hostKey }) };
}

const GIB = 1024 ** 3;

/** Room for the files, the database twice (loaded beside an empty one, with indexes) and what restic keeps. */
export function drillVolumeGib(pointBytes: number | undefined, hubGib: number): number {
  if (pointBytes === undefined) return hubGib;
  return Math.max(10, Math.min(hubGib, Math.ceil((pointBytes * 2.5) / GIB) + 5));
}

/** Options for the ssh that restic starts: the pinned key and nothing of the host's own configuration. */
import type { RepositoryOptions } from "./repository-options.ts";

export function sshArguments({
  keyFile,
  knownHosts,
}: NonNullable<RepositoryOptions["sftp"]>): string {
  // restic takes them as a line of comma-separated values, and that as a line of shell words.
  for (const path of [keyFile, knownHosts])
    if (/['",\n]/.test(path)) throw new Error(`Not to be had on restic's command line: ${path}`);
  const options = {
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    IdentitiesOnly: "yes",
    BatchMode: "yes",
    ConnectTimeout: "15",
    ServerAliveInterval: "15",
    ServerAliveCountMax: "4",
  };
  return [
    "-i",
    keyFile,
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
  ]
    .map((part) => `'${part}'`)
    .join(" ");
}

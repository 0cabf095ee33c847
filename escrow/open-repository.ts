/** Opens a repository of backups with nothing but what an escrow holds. */
import { UserError } from "../hub/user-error.ts";
import type { Repository } from "./contents.ts";

export interface OpenedRepository {
  /** Recovery points in it. */
  points: number;
  /** ISO 8601 of the newest; undefined when there is none. */
  newest?: string;
}

/** Runs a script by `sh -s`, so that nothing of it is in an argument list. */
export type RunScript = (
  script: string,
) => Promise<{ code: number; stdout: string; stderr: string }>;

/** restic's exit codes that mean something here. */
const NO_REPOSITORY = 10;
const WRONG_PASSWORD = 12;

/**
 * Lists the points, without a lock, so that a backup under way is not disturbed.
 * @param restic the program, where the script runs
 * @throws UserError that says which key does not fit, without the keys
 */
export async function openRepository(
  repository: Repository,
  restic: string,
  run: RunScript,
): Promise<OpenedRepository> {
  const { code, stdout, stderr } = await run(snapshotsScript(repository, restic));
  if (code === 0) {
    const points = JSON.parse(stdout) as { time: string; tags?: string[] }[];
    const newest = points
      .map((point) => new Date(point.time).toISOString())
      .sort()
      .at(-1);
    return { points: points.length, ...(newest === undefined ? {} : { newest }) };
  }
  const where = repository.location;
  if (code === WRONG_PASSWORD) {
    throw new UserError(
      `The backups at ${where} do not open by the password that the hub has now.\n` +
        "  They were made with another one. Do not remove an older escrow: it may hold that one",
    );
  }
  if (code === NO_REPOSITORY) {
    throw new UserError(
      `There are no backups at ${where} yet; the first recovery point begins them`,
    );
  }
  throw new UserError(
    `The backups at ${where} cannot be opened (restic ends with ${code}):\n  ${cause(stderr, repository)}`,
  );
}

/** @returns text that holds secrets, for standard input only */
export function snapshotsScript(
  { location, password, access }: Repository,
  restic: string,
): string {
  const { SSH_PRIVATE_KEY: key, SSH_KNOWN_HOSTS: knownHosts = "", ...environment } = access;
  const variables = {
    RESTIC_REPOSITORY: location,
    RESTIC_PASSWORD: password,
    ...environment,
  };
  return [
    "set -eu",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
    // What the surroundings say must not decide whether the escrow is enough.
    "unset RESTIC_PASSWORD_FILE RESTIC_PASSWORD_COMMAND RESTIC_REPOSITORY_FILE AWS_SESSION_TOKEN AWS_PROFILE",
    ...(key === undefined
      ? []
      : [
          "umask 077",
          "keys=$(mktemp -d)",
          `trap 'rm -rf "$keys"' EXIT`,
          `printf '%s\\n' ${quoted(key.trimEnd())} >"$keys/key"`,
          `printf '%s\\n' ${quoted(knownHosts.trimEnd())} >"$keys/known_hosts"`,
        ]),
    [
      `timeout 120 ${restic} --no-lock --no-cache`,
      ...(key === undefined
        ? []
        : [
            '-o sftp.args="-i $keys/key -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=$keys/known_hosts"',
          ]),
      "snapshots --json --tag aihub </dev/null",
    ].join(" "),
    "",
  ].join("\n");
}

/** Literal for a POSIX shell. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** The last lines of restic's complaint, with every secret taken out. */
function cause(stderr: string, { password, access }: Repository): string {
  const lines = stderr
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(plainly)
    .slice(-4);
  return [password, ...Object.values(access)]
    .filter((secret) => secret.length > 3)
    .reduce((text, secret) => text.replaceAll(secret, "[secret]"), lines.join("\n  "));
}

function plainly(line: string): string {
  try {
    return String((JSON.parse(line) as { message?: unknown }).message ?? line);
  } catch {
    return line;
  }
}

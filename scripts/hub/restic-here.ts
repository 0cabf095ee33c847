/** restic on this machine, for repositories within its reach. */
import { execa } from "execa";
import type { Repository } from "../../escrow/contents.ts";
import { type RunScript, snapshotsScript } from "../../escrow/open-repository.ts";

/**
 * Undefined: there is none, or it is too old to tell a wrong password from a repository that is not there; or nothing would end
 * it in time, as on macOS.
 */
async function resticHere(): Promise<RunScript | undefined> {
  const look = "command -v timeout >/dev/null && restic version";
  const { exitCode, stdout } = await execa("sh", ["-c", look], { reject: false });
  const [, major, minor] = /^restic (\d+)\.(\d+)/.exec(stdout ?? "") ?? [];
  if (exitCode !== 0 || !(Number(major) > 0 || Number(minor) >= 17)) return undefined;
  return async (script) => {
    const run = await execa("sh", ["-s"], { input: script, reject: false });
    return { code: run.exitCode ?? 255, stdout: run.stdout, stderr: run.stderr };
  };
}

/** The same for a repository that is within this machine's reach. */
export async function resticFor({ location }: Repository): Promise<RunScript | undefined> {
  return location.startsWith("s3:") ? resticHere() : undefined;
}

/** Bytes of all files of the newest point; undefined: it cannot be asked from here. */
export async function newestPointBytes(repository: Repository): Promise<number | undefined> {
  const run = await resticFor(repository);
  if (!run) return undefined;
  const { code, stdout } = await run(snapshotsScript(repository, "restic"));
  if (code !== 0) return undefined;
  const points = JSON.parse(stdout) as {
    time: string;
    summary?: { total_bytes_processed?: number };
  }[];
  points.sort((one, other) => Date.parse(one.time) - Date.parse(other.time));
  return points.at(-1)?.summary?.total_bytes_processed;
}

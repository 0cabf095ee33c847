/** Runs restic for one repository: with the same options each time, and past the locks that killed runs have left. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lockAnswer, parsed } from "./answers.ts";
import { RepositoryError } from "./repository-error.ts";
import type { RepositoryOptions } from "./repository-options.ts";
import { type ResticProcess, type ResticRun, runRestic, startRestic } from "./restic-process.ts";
import { sshArguments } from "./ssh-arguments.ts";

/** A lock of a living process is renewed every five minutes, so one of that age has nobody any more. */
const DEAD_AFTER_MS = 2 * 3_600_000;

export class ResticRunner {
  readonly #options: RepositoryOptions;

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  start(args: readonly string[]): ResticProcess {
    return startRestic(this.#prepared(args));
  }

  /** Takes all output and the end. @throws RepositoryError */
  run(args: readonly string[]): Promise<string> {
    return runRestic(this.#prepared(args));
  }

  /** Hands restic to a person: its own words to the terminal, what it puts aside into `folder`. @returns its exit code */
  async handOver(args: readonly string[], folder: string): Promise<number> {
    const { program, args: prepared, env } = this.#prepared(args, []);
    const child = spawn(program, prepared, {
      env,
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
    });
    const [code] = (await once(child, "close")) as [number | null];
    return code ?? 1;
  }

  /** As `run`, without a lock. */
  read(args: readonly string[]): Promise<string> {
    return this.run(["--no-lock", ...args]);
  }

  /** Runs what needs the lock. Only a lock of a living process is waited for. */
  async locking<T>(work: (more: readonly string[]) => Promise<T>): Promise<T> {
    try {
      return await work([]);
    } catch (error) {
      if (!(error instanceof RepositoryError && error.kind === "locked")) throw error;
    }
    await this.unlockStale();
    return work(["--retry-lock", `${this.#options.lockPatience ?? 300}s`]);
  }

  /**
   * Removes locks whose process is gone: restic knows it for this machine's processes and for locks older than 30 minutes.
   * The last resort, for one who holds the hub's own lock: when all that is left are locks that cannot be read, or whose
   * time is more than two hours off either way, all are removed.
   * @returns how many are left
   */
  async unlockStale(): Promise<number> {
    await this.run(["unlock"]);
    const left = await this.#locks();
    if (left.length === 0 || left.some(({ time }) => isAlive(time))) return left.length;
    await this.run(["unlock", "--remove-all"]);
    return (await this.#locks()).length;
  }

  async #locks(): Promise<{ time: number | undefined }[]> {
    const ids = (await this.read(["list", "locks"])).split("\n").map((line) => line.trim());
    const locks: { time: number | undefined }[] = [];
    for (const id of ids.filter((line) => /^[0-9a-f]{64}$/.test(line))) {
      try {
        const { time } = lockAnswer.parse(parsed(await this.read(["cat", "lock", id])));
        locks.push({ time: Date.parse(time) });
      } catch (error) {
        if (error instanceof RepositoryError && error.kind !== "damaged" && error.kind !== "other")
          throw error;
        locks.push({ time: undefined });
      }
    }
    return locks;
  }

  #prepared(args: readonly string[], form: readonly string[] = ["--json"]): ResticRun {
    const { program, location, password, limits = {}, cacheDir, sftp, signal } = this.#options;
    const env = this.#environment();
    return {
      program,
      args: [
        ...form,
        ...["--cache-dir", cacheDir, "--cleanup-cache"],
        ...(limits.uploadKibPerSecond ? ["--limit-upload", String(limits.uploadKibPerSecond)] : []),
        ...(limits.downloadKibPerSecond
          ? ["--limit-download", String(limits.downloadKibPerSecond)]
          : []),
        ...(sftp === undefined ? [] : ["--option", `sftp.args=${sshArguments(sftp)}`]),
        ...args,
      ],
      env,
      location,
      secrets: [
        ...(typeof password === "string" ? [password] : []),
        ...["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map((name) => env[name] ?? ""),
      ],
      patience: (this.#options.patience ?? 300) * 1000,
      signal,
    };
  }

  #environment(): Record<string, string> {
    const { location, password, env = {} } = this.#options;
    // Somebody's own settings for restic or S3 must not be mixed in.
    const inherited = Object.entries(process.env).filter(
      ([name, value]) => value !== undefined && !/^(RESTIC|AWS)_/.test(name),
    ) as [string, string][];
    return {
      ...Object.fromEntries(inherited),
      // Which snapshot is the last one of a day must not depend on the machine.
      TZ: "UTC",
      ...env,
      RESTIC_REPOSITORY: location,
      ...(typeof password === "string"
        ? { RESTIC_PASSWORD: password }
        : { RESTIC_PASSWORD_FILE: password.file }),
    };
  }
}

function isAlive(time: number | undefined): boolean {
  return time !== undefined && Math.abs(Date.now() - time) < DEAD_AFTER_MS;
}

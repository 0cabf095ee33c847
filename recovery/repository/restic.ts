/**
 * A repository of recovery points: restic behind types.
 *
 * Whatever changes the repository locks it; a lock that a killed process left is removed on the way. What only reads takes
 * no lock, so that it also works with keys that may only read: while somebody prunes at the same time it may fail, but never
 * hands out something wrong, as each piece is checked against its hash. restic may be killed at any time; what was uploaded
 * by then is used by the next run, or removed by the next prune.
 */
import { createInterface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import type { z } from "zod";
import { parseLocation } from "../../hub/backup-location.ts";
import {
  backupStatus,
  backupSummary,
  checkSummary,
  configAnswer,
  findAnswer,
  forgetAnswer,
  type Node,
  nodeAnswer,
  parsed,
  restoreSummary,
  type Snapshot,
  snapshotsAnswer,
  statsAnswer,
} from "./answers.ts";
import { RepositoryError } from "./repository-error.ts";
import type {
  BackupOptions,
  BackupProgress,
  BackupResult,
  CheckResult,
  RepositoryOptions,
  RestoreOptions,
  RestoreResult,
  SnapshotFilter,
  Stats,
} from "./repository-options.ts";
import type { Ended } from "./restic-process.ts";
import { ResticRunner } from "./restic-runner.ts";
import { forgetActs, forgetByClock, type RetentionPolicy } from "./retention-policy.ts";

export function openRepository(options: RepositoryOptions): Repository {
  return new Repository(options);
}

/** A pattern that matches this path and nothing else. */
export function literalPattern(path: string): string {
  return path.replace(/[\\*?[\]]/g, "\\$&");
}

export class Repository {
  /** As given. */
  readonly location: string;
  readonly #restic: ResticRunner;

  /** @throws UserError when the location is none */
  constructor(options: RepositoryOptions) {
    parseLocation(options.location);
    this.location = options.location;
    this.#restic = new ResticRunner(options);
  }

  /** 64 hex digits; undefined when there is no repository. */
  async id(): Promise<string | undefined> {
    try {
      return (await this.#config()).id;
    } catch (error) {
      if (error instanceof RepositoryError && error.kind === "missing") return undefined;
      throw error;
    }
  }

  /**
   * Makes the repository when there is none. The hub's own: by `ensureRemembered` alone.
   * @returns its id, and whether it was made now
   */
  async ensure(): Promise<{ id: string; created: boolean }> {
    const id = await this.id();
    if (id !== undefined) return { id, created: false };
    await this.#restic.run(["init"]);
    return { id: (await this.#config()).id, created: true };
  }

  /** @throws RepositoryError when nothing or not all paths could be read at all; single files that cannot be read are told */
  async backup(options: BackupOptions): Promise<BackupResult> {
    const { paths, excludes = [], tags, host, time, dryRun, onProgress } = options;
    const args = [
      ...["backup", "--host", host, "--compression", "auto"],
      // The machine is replaced, its files are not: the last snapshot of the same paths says what did not change.
      ...["--group-by", "paths"],
      ...tags.flatMap((tag) => ["--tag", tag]),
      ...excludes.flatMap((pattern) => ["--exclude", pattern]),
      ...(time === undefined ? [] : ["--time", restictime(time)]),
      ...(dryRun ? ["--dry-run"] : []),
      ...(onProgress === undefined ? ["--no-scan"] : []),
      ...["--", ...paths],
    ];
    let summary: z.infer<typeof backupSummary> | undefined;
    let items: Ended["items"] = [];
    await this.#restic.locking(async (more) => {
      const child = this.#restic.start([...more, ...args]);
      for await (const line of createInterface({ input: child.stdout })) {
        const message = parsed(line);
        const status = onProgress && backupStatus.safeParse(message).data;
        if (status) onProgress(progressOf(status));
        else summary = backupSummary.safeParse(message).data ?? summary;
      }
      const ended = await child.ended;
      // 3: a snapshot was made, without some files.
      if (ended.error !== undefined && !(ended.code === 3 && summary)) throw ended.error;
      items = ended.items;
    });
    if (summary === undefined) throw this.#unexpected("no summary of the backup");
    return {
      ...(summary.snapshot_id === undefined || dryRun ? {} : { snapshotId: summary.snapshot_id }),
      files: summary.total_files_processed,
      filesNew: summary.files_new,
      filesChanged: summary.files_changed,
      bytesProcessed: summary.total_bytes_processed,
      bytesAdded: summary.data_added,
      bytesStored: summary.data_added_packed,
      unread: items,
    };
  }

  /** Runs restic with these arguments, in this folder, for a person, who reads what it says. @returns its exit code */
  handOver(args: readonly string[], folder: string): Promise<number> {
    return this.#restic.handOver(args, folder);
  }

  /** Oldest first. */
  async snapshots({ tags = [], ids = [], latest }: SnapshotFilter = {}): Promise<Snapshot[]> {
    const tagged = tags.length === 0 ? [] : ["--tag", tags.join(",")];
    const text = await this.#restic.read(["snapshots", ...tagged, "--", ...ids]);
    const all = this.#understood(snapshotsAnswer, parsed(text));
    all.sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
    // restic's own --latest counts for each machine.
    return latest === undefined ? all : all.slice(Math.max(0, all.length - latest));
  }

  /** What lies in a folder of the snapshot, and with `recursive` below it. */
  async *ls(
    snapshot: string,
    path?: string,
    { recursive = false }: { recursive?: boolean } = {},
  ): AsyncGenerator<Node> {
    const where = path === undefined ? [] : [path];
    const child = this.#restic.start([
      "ls",
      "--no-lock",
      ...(recursive ? ["--recursive"] : []),
      "--",
      snapshot,
      ...where,
    ]);
    let whole = false;
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const node = nodeAnswer.safeParse(parsed(line)).data;
        if (node) yield node;
      }
      whole = true;
    } finally {
      if (!whole) {
        child.stop();
        child.stdout.destroy();
      }
      const { error } = await child.ended;
      // biome-ignore lint/correctness/noUnsafeFinally: only when the list ended by itself
      if (whole && error !== undefined) throw error;
    }
  }

  /** Every version of what matches the pattern, by snapshot. */
  async find(
    pattern: string,
    { snapshots = [] }: { snapshots?: readonly string[] } = {},
  ): Promise<z.output<typeof findAnswer>> {
    const within = snapshots.flatMap((id) => ["--snapshot", id]);
    return this.#understood(
      findAnswer,
      parsed(await this.#restic.read(["find", ...within, "--", pattern])),
    );
  }

  /**
   * Content of a file of the snapshot. The stream ends only when all of it was there; else it fails, with a
   * RepositoryError. Destroying it stops restic.
   */
  dump(snapshot: string, path: string): Readable {
    const child = this.#restic.start(["dump", "--no-lock", "--", snapshot, path]);
    const content = new PassThrough();
    child.stdout.pipe(content, { end: false });
    content.once("close", () => {
      child.stop();
      // It cannot stop while it waits for somebody to read.
      child.stdout.destroy();
    });
    child.stdout.on("error", (error) => content.destroy(error));
    child.ended.then(({ error }) => {
      if (error === undefined) content.end();
      else content.destroy(error);
    });
    return content;
  }

  /** @throws RepositoryError when any file could not be restored whole, naming one; those that could are there */
  async restore(options: RestoreOptions): Promise<RestoreResult> {
    const { snapshot, target, include = [], exclude = [], overwrite } = options;
    const text = await this.#restic.read([
      ...["restore", "--target", target],
      ...include.flatMap((pattern) => ["--include", pattern]),
      ...exclude.flatMap((pattern) => ["--exclude", pattern]),
      ...(options.delete ? ["--delete"] : []),
      ...(options.dryRun ? ["--dry-run"] : []),
      ...(overwrite === undefined ? [] : ["--overwrite", overwrite]),
      ...(options.verify ? ["--verify"] : []),
      ...["--", snapshot],
    ]);
    const summary = this.#understood(restoreSummary, lastOf(text));
    return {
      files: summary.total_files,
      filesRestored: summary.files_restored,
      filesSkipped: summary.files_skipped,
      filesDeleted: summary.files_deleted,
      bytes: summary.total_bytes,
      bytesRestored: summary.bytes_restored,
    };
  }

  /** Removes the recovery points that the policy does not keep; with `prune`, the space they took as well. */
  async forget(
    policy: RetentionPolicy,
    { dryRun = false, prune = false }: { dryRun?: boolean; prune?: boolean } = {},
  ): Promise<{ kept: Snapshot[]; removed: Snapshot[] }> {
    const forget = async (which: string[]) => {
      const args = ["forget", ...which, ...(dryRun ? ["--dry-run"] : [])];
      const text = await this.#restic.locking((more) => this.#restic.run([...more, ...args]));
      // Of no snapshot that is meant it says nothing at all.
      return this.#understood(forgetAnswer, text.trim() === "" ? null : parsed(text));
    };
    const byClock = await forget(forgetByClock(policy));
    const acts = await forget(forgetActs());
    if (prune && !dryRun) await this.prune();
    return {
      kept: [...byClock.kept, ...acts.kept],
      removed: [...byClock.removed, ...acts.removed],
    };
  }

  /** Gives back the space that no snapshot needs, up to a rest of 5 %. */
  async prune(): Promise<void> {
    await this.#restic.locking((more) =>
      this.#restic.run([...more, "prune", "--max-unused", "5%"]),
    );
  }

  /** Removes these snapshots, whatever the policy says. */
  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#restic.locking((more) => this.#restic.run([...more, "forget", "--", ...ids]));
  }

  /**
   * Checks that everything the snapshots need is there; `subset`, such as "1/7", also reads that part of the content.
   * @throws RepositoryError when it could not be checked; damage is a result
   */
  async check({ subset }: { subset?: `${number}/${number}` } = {}): Promise<CheckResult> {
    const args = ["check", ...(subset === undefined ? [] : ["--read-data-subset", subset])];
    return this.#restic.locking(async (more) => {
      const child = this.#restic.start([...more, ...args]);
      let summary: z.infer<typeof checkSummary> | undefined;
      for await (const line of createInterface({ input: child.stdout }))
        summary = checkSummary.safeParse(parsed(line)).data ?? summary;
      const { error, said } = await child.ended;
      if (error !== undefined && error.kind !== "damaged") throw error;
      if (error === undefined && summary === undefined)
        throw this.#unexpected("no result of the check");
      return {
        ok: error === undefined && summary?.num_errors === 0,
        errors: Math.max(summary?.num_errors ?? 0, error === undefined ? 0 : 1),
        damagedPacks: summary?.broken_packs ?? [],
        messages: error === undefined ? [] : said,
      };
    });
  }

  async stats(): Promise<Stats> {
    const text = await this.#restic.read(["stats", "--mode", "raw-data"]);
    const answer = this.#understood(statsAnswer, parsed(text));
    return {
      snapshots: answer.snapshots_count,
      bytesStored: answer.total_size,
      bytesRaw: answer.total_uncompressed_size,
      blobs: answer.total_blob_count,
    };
  }

  /** Removes locks whose process is gone, as `ResticRunner.unlockStale` says. @returns how many are left */
  unlockStale(): Promise<number> {
    return this.#restic.unlockStale();
  }

  /** @throws RepositoryError of the kind "missing" when there is no repository */
  async #config(): Promise<z.infer<typeof configAnswer>> {
    return this.#understood(configAnswer, parsed(await this.#restic.read(["cat", "config"])));
  }

  #understood<T extends z.ZodType>(schema: T, answer: unknown): z.output<T> {
    const { data, success } = schema.safeParse(answer);
    if (!success) throw this.#unexpected("an answer of another form than expected");
    return data;
  }

  #unexpected(what: string): RepositoryError {
    return new RepositoryError("other", this.location, `restic gave ${what}`);
  }
}

function progressOf(status: z.infer<typeof backupStatus>): BackupProgress {
  return {
    share: status.percent_done,
    bytesDone: status.bytes_done,
    bytesTotal: status.total_bytes,
    filesDone: status.files_done,
    filesTotal: status.total_files,
  };
}

/** restic takes local time to the second; it runs in UTC. */
function restictime(time: Date): string {
  return time.toISOString().slice(0, 19).replace("T", " ");
}

/** The last message of an output of one message a line. */
function lastOf(text: string): unknown {
  return parsed(text.trim().split("\n").at(-1) ?? "");
}

/** Takes a recovery point: one snapshot that holds all of the hub and refers to nothing outside itself. */
import { existsSync } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { tagOf } from "../../hub/images.ts";
import { UserError } from "../../hub/user-error.ts";
import type { ChatDatabase } from "../database.ts";
import { writeWhole } from "../memory.ts";
import { DATA, STAGING } from "../place.ts";
import type { Progress } from "../progress.ts";
import { ensureRemembered, type RememberedName } from "../repository/remembered-repository.ts";
import { literalPattern, type Repository } from "../repository/restic.ts";
import { POINT_TAG } from "../repository/retention-policy.ts";
import { serviceImages } from "../services.ts";
import type { RecoverySettings } from "../settings.ts";
import { copyCache } from "./cache-copy.ts";
import { copyDatabase } from "./history-copy.ts";
import { isHeld, leftOut } from "./left-out.ts";
import { type Point, pointName, type Reason } from "./point.ts";
import { PATHS_NOW, UPLOAD_COLUMNS, UPLOADS, uploadOf } from "./referenced-files.ts";
import { type SqlDump, SqlDumpReader } from "./sql-dump.ts";
import { copyWhatRan } from "./what-ran.ts";

export interface Taken {
  point: Point;
  snapshot: string;
  /** As the repository grew. */
  bytesStored: number;
  bytesRead: number;
  seconds: number;
  /** Id of the same in the second copy. */
  copied?: string;
  /** Why the second copy has no such point; undefined: it has, or none is wanted. */
  copyFailure?: Error;
}

export interface PointSource {
  settings: RecoverySettings;
  database: ChatDatabase;
  repository: Repository;
  /** Gets the same, read anew: a fault of the one is not handed on to the other. */
  copy?: Repository | undefined;
  canary?: Point["canary"];
  /** Which of the hub's places `repository` is. Default: the first one. */
  place?: RememberedName;
}

/** Files may go between the dump and their turn; so often is it tried anew. */
const TRIES = 3;

/**
 * Order: first the dump, then the files. What the database refers to then is there, unless it was deleted meanwhile;
 * that is looked for afterwards, and a snapshot with a hole is given up.
 *
 * @throws UserError, RepositoryError, ProgramError: no point was taken; the ones before are untouched
 */
export async function takePoint(
  source: PointSource,
  reason: Reason,
  progress: Progress,
): Promise<Taken> {
  const started = Date.now();
  requireReady(source.settings);
  await ensureRemembered(source.place ?? "repository", source.repository);
  try {
    for (let attempt = 1; ; attempt++) {
      const staged = await stage(source, reason, progress);
      const sent = await progress.step("Sending what is new", () =>
        send(source.repository, staged, reason),
      );
      if (sent !== undefined) {
        const copy = source.copy && (await sendCopy(source.copy, staged, reason, progress));
        return {
          point: staged.point,
          ...sent,
          seconds: (Date.now() - started) / 1000,
          ...copy,
        };
      }
      if (attempt === TRIES) {
        throw new UserError(
          `Files that the chat refers to went while they were copied, ${TRIES} times in a row.\n` +
            "  fix: wait until nobody deletes many files, then run again",
        );
      }
      progress.note("files that the chat refers to went while they were copied: once more");
    }
  } finally {
    // Secrets and the database do not lie about on the volume.
    await rm(STAGING, { recursive: true, force: true });
  }
}

/** @throws UserError: nothing is to be written to the repository from here, or nothing could be */
export function requireReady({ enabled }: Pick<RecoverySettings, "enabled">): void {
  if (!enabled) {
    throw new UserError(
      "This host makes no recovery points: backups are off, or it may only read them.\n  fix: npm run hub -- config get backup shows which",
    );
  }
  requireVolume();
}

/** @throws UserError: what would be copied is not the hub's data */
export function requireVolume(): void {
  if (!existsSync(join(DATA, ".aihub-volume"))) {
    throw new UserError(
      `The data volume is not mounted at ${DATA}.\n  fix: systemctl status aihub-data.service on the host shows why`,
    );
  }
}

interface Staged {
  point: Point;
  /** Files that the database refers to, and that are there. */
  uploads: ReadonlySet<string>;
}

/** Puts beside the data what makes a point of them. */
async function stage(
  { settings, database, canary }: PointSource,
  reason: Reason,
  progress: Progress,
): Promise<Staged> {
  await rm(STAGING, { recursive: true, force: true });
  await mkdir(STAGING, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(STAGING, name);
  const release = await copyWhatRan(STAGING);
  const cache = settings.cache === "embedded" && (await copyCache(at("cache.rdb")));
  const history = await copyDatabase(join(DATA, "workspace/.aihub/history.db"), at("history.db"));
  const time = new Date();
  const uploads = new Set<string>();
  const dump = await progress.step("Dumping the database", () =>
    dumpTo(at("database.sql"), database, uploads),
  );
  // A row may outlive its file, or name one where no point looks: such a file makes no point fail, and is named.
  const gone = [...uploads].filter((path) => !isHeld(path) || !existsSync(path));
  for (const path of gone) uploads.delete(path);
  const lost = await stillReferredTo(database, gone.filter(isHeld));
  const images = await serviceImages();
  const point: Point = {
    version: 1,
    name: pointName(time, reason),
    time: time.toISOString(),
    reason,
    hub: { url: settings.url, release },
    images,
    openWebui: tagOf(images["open-webui"]?.reference ?? "") ?? "",
    database: {
      kind: settings.database,
      bytes: dump.bytes,
      sha256: dump.sha256,
      tables: dump.tables,
    },
    files: {},
    cache,
    history,
    ...(gone.length > 0 ? { gone } : {}),
    ...(lost === undefined ? {} : { lost: lost.length }),
    ...(canary ? { canary } : {}),
  };
  await writeWhole(at("point.json"), `${JSON.stringify(point, null, 2)}\n`, 0o600);
  return { point, uploads };
}

/** Without those that people deleted since the dump: the chat takes the row away first. Undefined: nobody knows. */
async function stillReferredTo(
  database: ChatDatabase,
  gone: string[],
): Promise<string[] | undefined> {
  if (gone.length === 0) return [];
  try {
    const paths = JSON.parse(await database.sql(PATHS_NOW)) as string[];
    const now = new Set(paths.map((path) => uploadOf(path, DATA)));
    return gone.filter((path) => now.has(path));
  } catch {
    return undefined;
  }
}

/** @throws when the dump did not come to its end */
async function dumpTo(
  path: string,
  database: ChatDatabase,
  uploads: Set<string>,
): Promise<SqlDump> {
  const running = await database.dump();
  const file = await open(path, "w", 0o600);
  try {
    const reader = new SqlDumpReader({
      columns: { [UPLOADS]: UPLOAD_COLUMNS },
      onRow: (_table, values) => {
        const upload = uploadOf(values[1] ?? null, DATA);
        if (upload !== undefined) uploads.add(upload);
      },
    });
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      reader.take(chunk);
      await file.writeFile(chunk);
    }
    await running.ended;
    const dump = reader.end();
    if (!dump.complete) throw new Error(`pg_dump ended well, but the dump ${dump.flaw}`);
    await file.sync();
    return dump;
  } finally {
    await file.close();
  }
}

/** @returns undefined when the snapshot had a hole; it is removed then */
async function send(
  repository: Repository,
  { point, uploads }: Staged,
  reason: Reason,
): Promise<Pick<Taken, "snapshot" | "bytesStored" | "bytesRead"> | undefined> {
  const { snapshotId, bytesStored, bytesProcessed, unread } = await repository.backup({
    paths: [DATA],
    excludes: leftOut.map(literalPattern),
    tags: [POINT_TAG, `reason:${reason}`, `point:${point.name}`],
    host: hostname(),
  });
  if (snapshotId === undefined) throw new Error("restic made no snapshot");
  // Files come and go while they are copied; one that is still there was not read for another reason.
  const unreadable = unread.find(({ item }) => existsSync(item));
  if (unreadable) {
    await repository.remove([snapshotId]);
    throw new UserError(
      `${unreadable.item} cannot be read: ${unreadable.reason}\n  fix: see what is wrong with it; a point without it would not be whole`,
    );
  }
  const missing = new Set(uploads);
  if (missing.size > 0) {
    for await (const { path } of repository.ls(snapshotId, join(DATA, "open-webui"), {
      recursive: true,
    })) {
      missing.delete(path);
    }
  }
  if (missing.size === 0) return { snapshot: snapshotId, bytesStored, bytesRead: bytesProcessed };
  await repository.remove([snapshotId]);
  return undefined;
}

/** The point stands without its copy, and says so. */
async function sendCopy(
  copy: Repository,
  staged: Staged,
  reason: Reason,
  progress: Progress,
): Promise<Pick<Taken, "copied" | "copyFailure">> {
  try {
    const sent = await progress.step("Sending the second copy", async () => {
      await ensureRemembered("copy-repository", copy);
      return send(copy, staged, reason);
    });
    return sent
      ? { copied: sent.snapshot }
      : { copyFailure: new Error("files went while they were copied") };
  } catch (error) {
    return { copyFailure: error as Error };
  }
}

/** The chat's database out of a point: loaded beside the one that is used, looked over, and put in its place by its name. */
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UserError } from "../../hub/user-error.ts";
import type { ChatDatabase } from "../database.ts";
import { STAGING } from "../place.ts";
import { SqlDumpReader } from "../point/sql-dump.ts";
import type { Repository } from "../repository/restic.ts";
import { countRows, type Rows } from "../rows.ts";
import type { OpenPoint } from "./open-point.ts";

export const restoredName = (database: ChatDatabase) => `${database.name}_restored`;
export const asideName = (database: ChatDatabase) => `${database.name}_before_restore`;

/**
 * Loads the point's dump as it streams in; nothing that is used is touched. Afterwards the loaded database is there, whole,
 * with the rows that the point promises, or it is not there at all.
 * @throws UserError, RepositoryError, ProgramError
 */
export async function loadDatabase(
  repository: Repository,
  { snapshot, point }: OpenPoint,
  database: ChatDatabase,
): Promise<void> {
  const name = restoredName(database);
  await database.drop(name);
  await database.create(name);
  try {
    const reader = new SqlDumpReader();
    const passing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        reader.take(chunk);
        done(null, chunk);
      },
    });
    const sent = pipeline(repository.dump(snapshot, join(STAGING, "database.sql")), passing);
    // Whichever of the two fails first, the repository's own words say more than psql's.
    const [sending, loading] = await Promise.allSettled([
      sent,
      database.sql(passing, { database: name }),
    ]);
    if (sending.status === "rejected" && !isBroken(sending.reason)) throw sending.reason;
    if (loading.status === "rejected") throw loading.reason;
    if (sending.status === "rejected") throw sending.reason;
    const dump = reader.end();
    const flaw =
      dump.flaw ??
      (dump.sha256 === point.database.sha256
        ? undefined
        : "is not the one that was written when the point was made");
    if (flaw !== undefined) throw unusable(point.name, `its database.sql ${flaw}`);
    const rows = await countRows(database, { name, tables: Object.keys(point.database.tables) });
    const [first] = differing(point.database.tables, rows);
    if (first) throw unusable(point.name, `the database loaded from it has ${first}`);
  } catch (error) {
    await database.drop(name).catch(() => {});
    throw error;
  }
}

function isBroken(error: unknown): boolean {
  return ["EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );
}

function unusable(name: string, why: string): UserError {
  return new UserError(
    `The recovery point ${name} cannot be used: ${why}.\n  fix: choose another one; npm run hub -- points lists them. Nothing was changed`,
  );
}

/** What differs, in words: `2 rows in public.chat instead of 3`. */
export function differing(expected: Rows, found: Rows): string[] {
  return Object.entries(expected)
    .filter(([table, rows]) => (found[table] ?? 0) !== rows)
    .map(([table, rows]) => `${found[table] ?? 0} rows in ${table} instead of ${rows}`);
}

/** The same of those that have become fewer. More is what people wrote since: they are served before all was looked at. */
export function fewer(expected: Rows, found: Rows): string[] {
  return differing(
    Object.fromEntries(
      Object.entries(expected).filter(([table, rows]) => (found[table] ?? 0) < rows),
    ),
    found,
  );
}

/**
 * Gives the loaded database the name of the one that is used, which keeps another name. May be cut off and done again. Nobody
 * may be at work on either.
 * @throws UserError when there is nothing to put in its place
 */
export async function swapDatabases(database: ChatDatabase): Promise<void> {
  const [restored, aside] = [restoredName(database), asideName(database)];
  if (!(await database.exists(restored))) {
    if ((await database.exists(aside)) && (await database.exists(database.name))) return;
    throw new UserError(
      `The database ${restored} is gone, so it cannot be used.\n  fix: restore again; the recovery points are untouched`,
    );
  }
  if (await database.exists(database.name)) {
    await database.drop(aside);
    await database.exchange(restored, aside);
  } else await database.rename(restored, database.name);
}

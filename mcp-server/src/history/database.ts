/** The file in which the journal is, and its tables. */
import { DatabaseSync } from "node:sqlite";

const schema = `
CREATE TABLE IF NOT EXISTS changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,
  tool TEXT NOT NULL, token TEXT NOT NULL, user TEXT, chat TEXT, message TEXT, reason TEXT
);
CREATE TABLE IF NOT EXISTS steps (
  change INTEGER NOT NULL, number INTEGER NOT NULL, op TEXT NOT NULL, path TEXT NOT NULL, origin TEXT,
  before TEXT, before_size INTEGER, before_mode INTEGER, after TEXT, size INTEGER, mode INTEGER,
  trash TEXT, temporary TEXT, inode INTEGER, content INTEGER, folder INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (change, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS steps_path ON steps (path, change);
CREATE INDEX IF NOT EXISTS steps_origin ON steps (origin, change) WHERE origin IS NOT NULL;
CREATE INDEX IF NOT EXISTS changes_chat ON changes (chat) WHERE chat IS NOT NULL;
CREATE INDEX IF NOT EXISTS changes_open ON changes (id) WHERE state < 2;
CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS boots (id TEXT NOT NULL);
`;

/** Version of the tables; a newer server may find an older one here and must then carry it over. */
const VERSION = 1;

/** Throws an Error for people when the file cannot be used. */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    // The log is made durable by the group of writers that waits for it, not by each commit alone.
    database.exec(
      "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096; PRAGMA wal_autocheckpoint = 4000;",
    );
    const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    if (version > VERSION) {
      throw new Error(
        `The history in ${file} was written by a newer version of this server. Use that one.`,
      );
    }
    if (version < VERSION)
      database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${VERSION}; COMMIT;`);
    return database;
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === undefined) throw error;
    throw new Error(
      `${file}, where the history is kept, cannot be used: ${(error as Error).message}. The disk must have room, and the server's user the right to write it.`,
    );
  }
}

/** SQLite's words for what the system would say by these codes; callers know the latter. */
const systemCodes: Record<number, string> = {
  8: "EROFS",
  10: "EIO",
  // Content that cannot be: of a disk that does not answer it gets to see that, too.
  11: "EIO",
  13: "ENOSPC",
};

export function asSystemError(error: unknown): unknown {
  const { errcode, message } = error as { errcode?: number; message: string };
  // The upper bits tell kinds of an error apart.
  const code = errcode === undefined ? undefined : systemCodes[errcode & 0xff];
  return code === undefined ? error : Object.assign(new Error(message, { cause: error }), { code });
}

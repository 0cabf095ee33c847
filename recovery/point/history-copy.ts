/** Consistent copies of SQLite files that a server is writing to: a file system's copy of one may be torn. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { backup, DatabaseSync } from "node:sqlite";

/**
 * All at once: SQLite begins anew when somebody wrote between two parts, so a large file that is written to would never be
 * done. No writer waits, as the file is in WAL mode.
 */
const PAGES = 2 ** 31 - 1;

/** @returns false when there is no such file yet @throws when it cannot be read whole */
export async function copyDatabase(from: string, to: string): Promise<boolean> {
  if (!existsSync(from)) return false;
  const source = new DatabaseSync(from, { timeout: 10_000 });
  try {
    await rm(`${to}.new`, { force: true });
    await backup(source, `${to}.new`, { rate: PAGES });
  } finally {
    source.close();
  }
  const copy = new DatabaseSync(`${to}.new`);
  try {
    const [check] = copy.prepare("PRAGMA quick_check(1)").all();
    if (check?.quick_check !== "ok") throw new Error(`${from}: ${String(check?.quick_check)}`);
  } finally {
    copy.close();
  }
  await rename(`${to}.new`, to);
  return true;
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { copyDatabase } from "../../../recovery/point/history-copy.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-history-"));
});
afterEach(() => rm(folder, { recursive: true }));

const rowsOf = (db: DatabaseSync) => Number(db.prepare("SELECT count(*) AS n FROM t").get()?.n);

it("a file is copied while it is written to all the time, and no writer waits for it", async () => {
  const from = join(folder, "history.db");
  const writer = new DatabaseSync(from, { timeout: 0 });
  writer.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (text)");
  const insert = writer.prepare("INSERT INTO t VALUES (?)");
  writer.exec("BEGIN");
  for (let n = 0; n < 10_000; n++) insert.run("x".repeat(4000));
  writer.exec("COMMIT");
  const before = rowsOf(writer);
  let [written, refused] = [0, 0];
  const writing = setInterval(() => {
    try {
      insert.run("y");
      written++;
    } catch {
      refused++;
    }
  }, 1);
  try {
    const to = join(folder, "copy.db");
    expect(await copyDatabase(from, to)).toBe(true);
    const copy = new DatabaseSync(to);
    expect(rowsOf(copy)).toBeGreaterThanOrEqual(before);
    copy.close();
    expect(written).toBeGreaterThan(0);
    expect(refused).toBe(0);
  } finally {
    clearInterval(writing);
    writer.close();
  }
});

it("a file that is not there yet is no fault", async () => {
  expect(await copyDatabase(join(folder, "none.db"), join(folder, "copy.db"))).toBe(false);
});

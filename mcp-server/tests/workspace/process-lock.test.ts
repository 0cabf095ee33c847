import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ProcessLock } from "../../src/workspace/process-lock.ts";

let folder: string;
let lock: ProcessLock;
/** Takes the lock as another process does. */
let other: DatabaseSync;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aihub-lock-"));
  const file = join(folder, "lock.db");
  lock = new ProcessLock(
    file,
    async () => {},
    () => {},
  );
  other = new DatabaseSync(file);
});
afterEach(() => {
  vi.restoreAllMocks();
  lock.close();
  other.close();
  rmSync(folder, { recursive: true, force: true });
});

test("calls that wait for a process that hangs fail together", async () => {
  other.exec("BEGIN EXCLUSIVE");
  // A clock that only the test moves: who began to wait anew would never come to an end.
  let now = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const waiting = Promise.allSettled([1, 2, 3].map((call) => lock.hold(async () => call)));
  now += 20_001;
  for (const { status, reason } of (await waiting) as PromiseRejectedResult[]) {
    expect(status).toBe("rejected");
    expect(reason.message).toMatch(/Another process has been changing this workspace for 20 s/);
  }
  // One that comes later waits its own time.
  const later = lock.hold(async () => "done");
  now += 19_000;
  other.exec("ROLLBACK");
  expect(await later).toBe("done");
});

test("calls share the lock, and another process gets it once they are done", async () => {
  const together: (() => void)[] = [];
  const all = Promise.all(
    [1, 2, 3].map((call) =>
      lock.hold(async () => {
        await new Promise<void>((resolve) => {
          together.push(resolve);
          if (together.length === 3) for (const go of together) go();
        });
        return call;
      }),
    ),
  );
  expect(await all).toEqual([1, 2, 3]);
  // It lets go on this event loop, which a synchronous wait would stop.
  await expect
    .poll(() => {
      try {
        other.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
        return true;
      } catch {
        return false;
      }
    })
    .toBe(true);
  other.exec("ROLLBACK");
});

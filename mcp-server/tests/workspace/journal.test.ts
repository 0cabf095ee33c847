import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Journal } from "../../src/history/journal.ts";
import { Reserve } from "../../src/workspace/reserve.ts";

let folder: string;
let journals: Journal[];
const open = () => {
  const journal = new Journal(join(folder, "history.db"), new Reserve(folder));
  journals.push(journal);
  return journal;
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aihub-journal-"));
  journals = [];
});
afterEach(() => {
  for (const journal of journals) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const begin = (journal: Journal, path: string) =>
  journal.begin(
    { time: 1, tool: "test", token: "tests" },
    [{ op: "write", path, before: "b", beforeSize: 9 }],
    new Map([[0, Buffer.from(path)]]),
  );
const carriedOut = async (journal: Journal, path: string) => {
  journal.done(await begin(journal, path), false);
  journal.flush();
};

test("what two processes settle at once takes no content of a later change along", async () => {
  const [one, other] = [open(), open()];
  await carriedOut(one, "a");
  const seen = one.unsettled();
  other.settled(other.unsettled());
  await carriedOut(other, "b");
  one.settled(seen);
  const [left] = one.unsettled();
  expect(left?.path).toBe("b");
  expect(left && one.content(left)?.toString()).toBe("b");
});

test("a change that is taken back leaves no content, and one without steps is none", async () => {
  const journal = open();
  const id = await begin(journal, "a");
  const [step] = journal.unfinished();
  journal.forget(id);
  expect(step && journal.content(step)).toBeUndefined();
  const next = await begin(journal, "b");
  const [only] = journal.unfinished();
  journal.forgetStep(next, 0);
  expect(only && journal.content(only)).toBeUndefined();
  expect(journal.hasUnfinished()).toBe(false);
});

test("what is not durable in its place never is too old", async () => {
  const journal = open();
  await carriedOut(journal, "a");
  expect(journal.expiry.last(Number.MAX_SAFE_INTEGER, 0)).toBe(0);
  journal.settled(journal.unsettled());
  await begin(journal, "b");
  expect(journal.expiry.last(Number.MAX_SAFE_INTEGER, 0)).toBe(1);
});

import { renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "../../src/limits.ts";
import { contentHash } from "../../src/workspace/content.ts";
import { type Opened, openWorkspace, write } from "./opened.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

/** Long enough for the hash of a file to be remembered. */
const settle = () => sleep(50);

/** As rsync --inplace --times does. */
function editKeepingTimes(path: string, content: string | Buffer): void {
  const { atime, mtime } = statSync(path);
  writeFileSync(path, content);
  utimesSync(path, atime, mtime);
}

test("a file that was edited with its time set back has the hash of what is in it", async () => {
  const file = opened.at("blog/a");
  writeFileSync(file, "aaaa");
  // A time that can be set back to exactly.
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  await settle();
  expect(opened.workspace.etag("blog/a")).toBe(contentHash(Buffer.from("aaaa")));
  editKeepingTimes(file, "bbbb");
  expect(opened.workspace.etag("blog/a")).toBe(contentHash(Buffer.from("bbbb")));
  expect(opened.workspace.read("blog/a").etag).toBe(contentHash(Buffer.from("bbbb")));
  // Writing what the file seemed to hold is a change.
  expect((await write(opened.workspace, "blog/a", "aaaa")).id).toBeDefined();
});

test("a large file that was edited so is another one", async () => {
  const file = opened.at("blog/large");
  writeFileSync(file, Buffer.alloc(limits.write + 1, "a"));
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  const before = opened.workspace.etag("blog/large");
  expect(opened.workspace.etag("blog/large")).toBe(before);
  await settle();
  editKeepingTimes(file, Buffer.alloc(limits.write + 1, "b"));
  expect(opened.workspace.etag("blog/large")).not.toBe(before);
});

test("a file that was replaced by one of the same size and time has its own hash", async () => {
  for (const [name, content] of [
    ["a", "aaaa"],
    ["b", "bbbb"],
  ] as const) {
    writeFileSync(opened.at(`blog/${name}`), content);
    utimesSync(opened.at(`blog/${name}`), 1_700_000_000, 1_700_000_000);
  }
  await settle();
  opened.workspace.read("blog/a");
  renameSync(opened.at("blog/b"), opened.at("blog/a"));
  expect(opened.workspace.etag("blog/a")).toBe(contentHash(Buffer.from("bbbb")));
});

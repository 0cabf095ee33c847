import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Caller } from "../../src/access/caller.ts";
import { applyPatch } from "../../src/tools/apply_patch.ts";
import { deleteTool } from "../../src/tools/delete.ts";
import { diffTool } from "../../src/tools/diff.ts";
import { historyTool } from "../../src/tools/history.ts";
import { move } from "../../src/tools/move.ts";
import { restoreVersion } from "../../src/tools/restore_version.ts";
import { writeCode } from "../../src/tools/write_code.ts";
import { type Opened, openWorkspace } from "../workspace/opened.ts";
import { run } from "./running.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
  mkdirSync(opened.at("api"));
});
afterEach(() => opened.remove());

type Labels = Partial<Caller>;
const blog = { project: "blog" };
const text = (path: string) => readFileSync(opened.at(path), "utf8");
const write = (path: string, content: string, labels: Labels = {}, more: object = {}) =>
  run(opened, writeCode, { ...blog, path, content, ...more }, labels);
const remove = (path: string, labels: Labels = {}) =>
  run(opened, deleteTool, { ...blog, path, recursive: true }, labels);
const history = (args: object = {}, labels: Labels = {}) =>
  run(opened, historyTool, { ...blog, ...args }, labels);
const diff = (path: string, args: object = {}, labels: Labels = {}) =>
  run(opened, diffTool, { ...blog, path, ...args }, labels);
const restore = (args: object, labels: Labels = {}) =>
  run(opened, restoreVersion, { ...blog, ...args }, labels);
/** Each line without its time. */
const lines = (said: string) => said.split("\n").map((line) => line.replace(/ {2}\d{4}-\S+Z/, ""));

describe("history", () => {
  test("of a file: its versions, who made them and why, also under earlier names", async () => {
    writeFileSync(opened.at("blog/old.ts"), "found");
    await write("old.ts", "one", { user: "ann", chat: "c1" }, { reason: "first try" });
    await run(opened, move, { ...blog, from: "old.ts", to: "src/new.ts" });
    await write("src/new.ts", "three");
    const { text: said, structured } = await history({ path: "src/new.ts" });
    expect(lines(said)).toEqual([
      "3  write_code (write)  src/new.ts  tests  5 bytes",
      "2  move (move from old.ts)  src/new.ts  tests  3 bytes",
      '1  write_code (write)  old.ts  ann  chat c1  "first try"  3 bytes',
      "1-before  outside this server  old.ts  5 bytes",
    ]);
    expect(structured).toEqual({ count: 4 });
    await remove("src/new.ts");
    const gone = await history({ path: "src/new.ts" });
    expect(lines(gone.text)[0]).toBe("4  delete (delete)  src/new.ts  tests");
    expect(gone.structured).toEqual({ count: 5 });
  });

  test("of a project, a folder and a chat", async () => {
    await write("src/a", "a", { chat: "c1" });
    await write("b", "b", { chat: "c2" });
    await run(opened, writeCode, { project: "api", path: "c", content: "c" }, { chat: "c1" });
    expect(lines((await history()).text).map((line) => line.split("  ")[2])).toEqual([
      "b",
      "src/a",
      "src",
    ]);
    expect(lines((await history({ path: "src" })).text)).toEqual([
      "1  write_code (write)  src/a  tests  chat c1  1 bytes",
      "1  write_code (make_directory)  src  tests  chat c1",
    ]);
    expect((await history({ chat: "current" }, { chat: "c2" })).text).toMatch(/^2 .* b /);
    expect((await history({ chat: "c1" })).structured).toEqual({ count: 2 });
    expect((await history({ chat: "c1", path: "src/a" })).structured).toEqual({ count: 1 });
    expect((await history({ chat: "c2", path: "src/a" })).text).toBe("[nothing recorded]");
    const all = await run(opened, historyTool, { project: ".", chat: "c1" });
    expect(all.text).toMatch(/^3 .* api\/c .*\n1 .* blog\/src\/a /);
    await expect(history({ chat: "current" })).rejects.toThrow(/does not say which chat/);
  });

  test("of a folder that is gone: what was in it, and what became of it", async () => {
    await write("src/deep/a", "a");
    await write("src/deep/b", "b");
    await write("other", "o");
    await remove("src/deep");
    const inside = [
      "2  write_code (write)  src/deep/b  tests  1 bytes",
      "1  write_code (write)  src/deep/a  tests  1 bytes",
      "1  write_code (make_directory)  src/deep  tests",
    ];
    const gone = await history({ path: "src/deep" });
    expect(lines(gone.text)).toEqual(["4  delete (delete)  src/deep  tests", ...inside]);
    await restore({ change: "4" });
    await run(opened, move, { ...blog, from: "src", to: "lib" });
    expect(lines((await history({ path: "src/deep" })).text)).toEqual([
      "6  move (move from src)  lib  tests",
      "5  restore_version (restore)  src/deep  tests",
      "4  delete (delete)  src/deep  tests",
      ...inside,
    ]);
    const page = await history({ path: "src/deep", limit: 4 });
    const rest = await history({ path: "src/deep", cursor: page.structured.next_cursor });
    expect(lines(rest.text)).toEqual(inside.slice(1));
  });

  test.each([
    ["a file", { path: "a" }],
    ["a project", {}],
    ["a chat", { chat: "c" }],
  ])("of %s comes in pages", async (_name, what) => {
    for (let number = 0; number < 5; number++) await write("a", `${number}`, { chat: "c" });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { content, structured } = await history({
        ...what,
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...lines(content[0]?.text ?? "").map((line) => line.split(" ", 1)[0] as string));
      cursor = structured.next_cursor as string | undefined;
      if (cursor !== undefined) expect(content[1]?.text).toContain(`go on with cursor "${cursor}"`);
      expect(seen.length).toBeLessThanOrEqual(5);
    } while (cursor !== undefined);
    expect(seen).toEqual(["5", "4", "3", "2", "1"]);
    await expect(history({ ...what, cursor: "x" })).rejects.toThrow(/not from an answer/);
  });

  test("of a project that was deleted is still there; of one that never was is an error", async () => {
    await write("a", "a");
    await remove(".");
    expect(lines((await history()).text)[0]).toBe("2  delete (delete)  blog  tests");
    expect((await history({ path: "a" })).structured.count).toBe(2);
    await expect(run(opened, historyTool, { project: "none" })).rejects.toThrow(/no project/);
    expect((await run(opened, historyTool, { project: "api" })).text).toBe("[nothing recorded]");
  });
});

describe("diff", () => {
  test("of any two versions, by default of the last change", async () => {
    for (const content of ["one\n", "two\n", "three\n"]) await write("src/a.ts", content);
    const last = await diff("src/a.ts");
    expect(last.text).toBe(
      "--- a/src/a.ts\tversion 2\n+++ b/src/a.ts\tnow\n@@ -1,1 +1,1 @@\n-two\n+three\n",
    );
    expect(last.structured).toEqual({ from: "2", to: "now", changed: true });
    expect((await diff("src/a.ts", { from: "1", to: "2" })).text).toMatch(/-one\n\+two\n$/);
    const same = await diff("src/a.ts", { from: "3" });
    expect(same.text).toBe("[no difference]");
    expect(same.structured.changed).toBe(false);
  });

  test("is a patch that apply_patch takes", async () => {
    await write("größe.txt", "one\r\ntwo");
    await write("größe.txt", "one\r\n2\r\nthree\r\n");
    const back = await diff("größe.txt", { from: "2", to: "1" });
    await run(opened, applyPatch, { ...blog, patch: back.text });
    expect(text("blog/größe.txt")).toBe("one\r\ntwo");
  });

  test("shows what others changed, and what a deleted file had", async () => {
    await write("a", "ours\n");
    writeFileSync(opened.at("blog/a"), "theirs\n");
    await expect(diff("a", { from: "1" })).rejects.toThrow(/no longer kept/);
    await write("a", "ours again\n");
    expect((await diff("a")).text).toMatch(/-theirs\n\+ours again/);
    await remove("a");
    expect((await diff("a")).text).toMatch(/-ours again\n$/);
  });

  test.each<[string, object, RegExp]>([
    ["a", { from: "9" }, /no version "9"/],
    ["a", {}, /no other version whose content is kept/],
    ["none", {}, /"blog\/none" has no history yet/],
    ["bytes", { from: "2" }, /not UTF-8/],
    ["../x", {}, /goes up/],
  ])("%s %j is refused", async (path, args, message) => {
    await write("a", "one");
    await write("bytes", "AAE=", {}, { encoding: "base64" });
    await expect(diff(path, args)).rejects.toThrow(message);
    await expect(run(opened, diffTool, { project: "none", path: "a" })).rejects.toThrow(
      /no project "none"/,
    );
  });
});

describe("restore_version", () => {
  test("gives a file an earlier version, also one that was deleted", async () => {
    await write("src/a", "one");
    await write("src/a", "two");
    const { text: said, structured } = await restore({ path: "src/a", version: "1" });
    expect(said).toBe("restored: blog/src/a");
    expect(structured).toEqual({ count: 1, change: "3" });
    expect(text("blog/src/a")).toBe("one");
    expect((await restore({ path: "src/a", version: "1" })).text).toMatch(/^nothing to do/);
    await remove("src");
    await restore({ path: "src/a", version: "2" });
    expect(text("blog/src/a")).toBe("two");
  });

  test("gives it the mode that it had then", async () => {
    const mode = (path: string) => statSync(opened.at(path)).mode & 0o777;
    await write("run.sh", "one");
    chmodSync(opened.at("blog/run.sh"), 0o750);
    await write("run.sh", "two");
    await remove("run.sh");
    await restore({ path: "run.sh", version: "2" });
    expect([text("blog/run.sh"), mode("blog/run.sh")]).toEqual(["two", 0o750]);
    writeFileSync(opened.at("blog/run.sh"), "theirs");
    chmodSync(opened.at("blog/run.sh"), 0o700);
    await write("run.sh", "three");
    chmodSync(opened.at("blog/run.sh"), 0o640);
    await restore({ path: "run.sh", version: "5-before" });
    expect([text("blog/run.sh"), mode("blog/run.sh")]).toEqual(["theirs", 0o700]);
  });

  test("undoes a change, and the undoing", async () => {
    await write("a", "one");
    await write("a", "two");
    const { structured } = await restore({ change: "2" });
    expect(text("blog/a")).toBe("one");
    await restore({ change: structured.change });
    expect(text("blog/a")).toBe("two");
    await remove("a");
    await restore({ change: "5" });
    expect(text("blog/a")).toBe("two");
  });

  test("undoes all that a chat did, in all projects, and nothing else", async () => {
    const mine = { chat: "c1" };
    await write("kept", "before");
    await write("moved", "m");
    await write("doomed", "d");
    const before = opened.tree();
    await write("kept", "changed", mine);
    await write("new/deep/x", "x", mine);
    await run(opened, move, { ...blog, from: "moved", to: "elsewhere/m" }, mine);
    await remove("doomed", mine);
    await run(opened, writeCode, { project: "api", path: "y", content: "y" }, mine);
    await write("other", "other", { chat: "c2" });
    const { text: said, structured } = await restore({ chat: "current" }, mine);
    expect(said).toMatch(/^restored: .*blog\/kept/);
    expect(structured.count).toBe(8);
    expect(opened.tree()).toEqual([...before, "blog/other"].sort());
    expect([text("blog/kept"), text("blog/moved"), text("blog/doomed")]).toEqual([
      "before",
      "m",
      "d",
    ]);
  });

  test("is refused as a whole when others changed the same since", async () => {
    await write("a", "one");
    await write("a", "two", { chat: "c1" });
    await write("b", "b", { chat: "c1" });
    await write("a", "three", { user: "bob", chat: "c2" });
    for (const what of [{ chat: "c1" }, { change: "2" }])
      await expect(restore(what)).rejects.toThrow(/"blog\/a" was changed by bob with write_code/);
    expect([text("blog/a"), text("blog/b")]).toEqual(["three", "b"]);
    await restore({ chat: "c2" });
    await restore({ chat: "c1" });
    expect(text("blog/a")).toBe("one");
    expect(opened.tree()).toEqual(["api", "blog", "blog/a"]);
  });

  test("on trial changes nothing", async () => {
    await write("a", "one", { chat: "c" });
    await write("a", "two", { chat: "c" });
    for (const what of [{ path: "a", version: "1" }, { change: "2" }, { chat: "c" }]) {
      const { text: said, structured } = await restore({ ...what, dry_run: true });
      expect(said).toBe("would restore: blog/a");
      expect(structured).toEqual({ count: 1 });
    }
    expect(text("blog/a")).toBe("two");
    expect((await history()).structured.count).toBe(2);
  });

  test.each<[object, RegExp]>([
    [{}, /Give either/],
    [{ path: "a" }, /both path and version/],
    [{ version: "1" }, /both path and version/],
    [{ path: "a", version: "1", change: "1" }, /Give either/],
    [{ change: "1", chat: "c" }, /Give either/],
    [{ path: "a", version: "9" }, /no version "9"/],
    [{ change: "9" }, /no change "9"/],
    [{ change: "nine" }, /not from an answer of history/],
    [{ chat: "nobody" }, /knows nothing that chat "nobody"/],
    [{ chat: "current" }, /does not say which chat/],
    [{ path: "../a", version: "1" }, /goes up/],
  ])("%j is refused", async (args, message) => {
    await write("a", "one");
    await expect(restore(args)).rejects.toThrow(message);
    expect(text("blog/a")).toBe("one");
  });
});

describe("a token that may not delete", () => {
  const writer: Labels = { scopes: new Set(["read", "write"] as const), chat: "c" };

  test("deletes nothing by undoing that it was made", async () => {
    await write("made", "one", writer);
    await run(opened, move, { ...blog, from: "made", to: "deep/moved" }, writer);
    await expect(restore({ change: "2" }, writer)).rejects.toThrow(/would delete "blog\/deep"/);
    await write("made", "two", writer);
    for (const what of [{ change: "3" }, { change: "3", dry_run: true }]) {
      await expect(restore(what, writer)).rejects.toThrow(
        'would delete "blog/made", and token "tests" may not delete. Nothing was undone.',
      );
    }
    expect([text("blog/made"), text("blog/deep/moved")]).toEqual(["two", "one"]);
    await restore({ chat: "c" });
    expect(opened.tree()).toEqual(["api", "blog"]);
  });

  test("undoes what deletes nothing", async () => {
    await write("a", "one");
    await write("a", "two", writer);
    await write("big", "b");
    await remove("big", { chat: "d" });
    await restore({ chat: "c" }, writer);
    await restore({ chat: "d" }, writer);
    expect([text("blog/a"), text("blog/big")]).toEqual(["one", "b"]);
  });
});

describe("a token that does not reach a project", () => {
  const own: Labels = { projects: ["blog"], chat: "c" };

  beforeEach(async () => {
    const api = { project: "api" };
    await run(opened, writeCode, { ...api, path: "secret", content: "old secret" }, { chat: "c" });
    await run(opened, writeCode, { ...api, path: "secret", content: "new" }, { chat: "c" });
    await run(opened, move, { ...api, from: "secret", to: "a", to_project: "blog" }, { chat: "c" });
  });

  test("does not see what happened there", async () => {
    const { text: said, structured } = await history({ path: "a" }, own);
    expect(lines(said)).toEqual(["3  move (move from another project)  a  tests  chat c  3 bytes"]);
    expect(structured.count).toBe(1);
    expect((await history({ chat: "c" }, own)).structured.count).toBe(1);
    await expect(diff("a", { from: "1" }, own)).rejects.toThrow(/from another project/);
    await expect(diff("a", {}, own)).rejects.toThrow(/no other version/);
    await expect(restore({ path: "a", version: "1" }, own)).rejects.toThrow(/another project/);
    expect((await diff("a", { from: "1" })).text).toContain("-old secret");
  });

  test("undoes nothing that touched it, and learns no name of it", async () => {
    await write("b", "b", own);
    for (const what of [{ change: "1" }, { change: "3" }, { chat: "c" }, { chat: "current" }]) {
      const undone = restore(what, own);
      await expect(undone).rejects.toThrow(/touched a project that token "tests" does not reach/);
      await expect(undone).rejects.not.toThrow(/secret|api/);
    }
    expect(opened.tree()).toEqual(["api", "blog", "blog/a", "blog/b"]);
    await restore({ change: "4" }, own);
    expect(opened.tree()).toEqual(["api", "blog", "blog/a"]);
    await restore({ change: "3" });
    expect(text("api/secret")).toBe("new");
  });
});

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Change } from "../../src/workspace/change.ts";
import { caller, type Opened, openWorkspace, write } from "./opened.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const text = (path: string) => readFileSync(opened.at(path), "utf8");
const change = (chat: string, plan: (change: Change) => unknown) =>
  opened.workspace.change({ tool: "test", caller: caller({ chat }) }, "all", async (staged) => {
    await plan(staged);
  });
const undo = (what: { chat: string } | { change: string }) =>
  change("undo", (staged) => opened.workspace.undo.stage(staged, what));
const shown = (path: string) =>
  opened.workspace.history
    .of(path)
    .versions.map(({ version, op, path: at, available }) => `${version} ${op} ${at} ${available}`);

describe("history", () => {
  test("knows every version, who made it and why", async () => {
    await write(opened.workspace, "blog/a", "one", { user: "ann", chat: "c", message: "m" });
    await opened.workspace.change(
      { tool: "edit_code", caller: caller(), reason: "typo" },
      ["blog/a"],
      (staged) => staged.write("blog/a", Buffer.from("two")),
    );
    const { versions } = opened.workspace.history.of("blog/a");
    expect(versions).toMatchObject([
      { version: "2", tool: "edit_code", token: "tests", reason: "typo", available: true },
      { version: "1", tool: "write_code", user: "ann", chat: "c", message: "m", available: true },
    ]);
    expect(opened.workspace.history.content("blog/a", "1").bytes.toString()).toBe("one");
    expect(opened.workspace.history.content("blog/a", "2").bytes.toString()).toBe("two");
    expect(() => opened.workspace.history.content("blog/a", "9")).toThrow(/no version "9"/);
  });

  test("keeps what other programs had put there", async () => {
    writeFileSync(opened.at("blog/a"), "found");
    expect(shown("blog/a")).toEqual(["present outside blog/a true"]);
    await write(opened.workspace, "blog/a", "ours");
    writeFileSync(opened.at("blog/a"), "theirs");
    await write(opened.workspace, "blog/a", "ours again");
    writeFileSync(opened.at("blog/a"), "now");
    expect(shown("blog/a")).toEqual([
      "present outside blog/a true",
      "2 write blog/a false",
      "2-before outside blog/a true",
      "1 write blog/a false",
      "1-before outside blog/a true",
    ]);
    const { history } = opened.workspace;
    expect(history.content("blog/a", "1-before").bytes.toString()).toBe("found");
    expect(history.content("blog/a", "2-before").bytes.toString()).toBe("theirs");
    expect(() => history.content("blog/a", "1")).toThrow(/no longer kept/);
  });

  test("follows renames of the file and of folders above it", async () => {
    await write(opened.workspace, "blog/old/a", "one");
    await change("c", (staged) => staged.move("blog/old", "blog/new"));
    await change("c", (staged) => staged.move("blog/new/a", "blog/b"));
    await write(opened.workspace, "blog/b", "two");
    expect(shown("blog/b")).toEqual([
      "4 write blog/b true",
      "3 move blog/b true",
      "2 move blog/new false",
      "1 write blog/old/a true",
    ]);
    expect(opened.workspace.history.content("blog/b", "1").bytes.toString()).toBe("one");
  });

  test("comes in pages", async () => {
    for (let number = 0; number < 7; number++) await write(opened.workspace, "blog/a", `${number}`);
    const pages: string[] = [];
    for (let before: string | undefined; ; ) {
      const page = opened.workspace.history.of("blog/a", {
        limit: 3,
        ...(before === undefined ? {} : { before }),
      });
      pages.push(page.versions.map(({ version }) => version).join(","));
      if (page.next === undefined) break;
      before = page.next;
    }
    expect(pages).toEqual(["7,6,5", "4,3,2", "1"]);
    const recent = opened.workspace.history.recent({ project: "blog", limit: 5 });
    expect(recent.versions.map(({ version }) => version)).toEqual(["7", "6", "5", "4", "3"]);
    expect(
      opened.workspace.history
        .recent({ project: "blog", before: recent.next as string })
        .versions.map(({ version }) => version),
    ).toEqual(["2", "1"]);
    expect(opened.workspace.history.recent({ project: "other" }).versions).toEqual([]);
  });
});

describe("undo", () => {
  test("of everything a chat did: writes, moves, deletes, folders", async () => {
    await write(opened.workspace, "blog/kept/a", "before", { chat: "other" });
    await write(opened.workspace, "blog/doomed/b", "b", { chat: "other" });
    const before = opened.tree();
    await write(opened.workspace, "blog/kept/a", "changed", { chat: "c" });
    await write(opened.workspace, "blog/new/deep/x", "x", { chat: "c" });
    await change("c", (staged) => staged.move("blog/kept", "blog/moved"));
    await write(opened.workspace, "blog/moved/a", "changed again", { chat: "c" });
    await change("c", (staged) => staged.trash("blog/doomed"));
    await change("c", (staged) => staged.trash("blog/moved/a"));
    await undo({ chat: "c" });
    expect(opened.tree()).toEqual(before);
    expect([text("blog/kept/a"), text("blog/doomed/b")]).toEqual(["before", "b"]);
  });

  test("of an undo brings everything back", async () => {
    await write(opened.workspace, "blog/a", "one");
    await write(opened.workspace, "blog/b/c", "two", { chat: "c" });
    await write(opened.workspace, "blog/a", "three", { chat: "c" });
    const before = opened.tree();
    const { id } = await undo({ chat: "c" });
    expect(text("blog/a")).toBe("one");
    await undo({ change: id as string });
    expect(opened.tree()).toEqual(before);
    expect([text("blog/a"), text("blog/b/c")]).toEqual(["three", "two"]);
  });

  test("of a deleted folder, and of a large file that was replaced", async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, "l");
    writeFileSync(opened.at("blog/large"), large);
    const { id } = await write(opened.workspace, "blog/large", "small");
    await write(opened.workspace, "blog/src/a", "a");
    const deleted = await change("c", (staged) => staged.trash("blog/src"));
    expect(opened.tree()).toEqual(["blog", "blog/large"]);
    await undo({ change: deleted.id as string });
    expect(text("blog/src/a")).toBe("a");
    await undo({ change: id as string });
    expect(readFileSync(opened.at("blog/large")).equals(large)).toBe(true);
  });

  test("is refused as a whole, with names, when others changed the same since", async () => {
    await write(opened.workspace, "blog/a", "one");
    await write(opened.workspace, "blog/a", "two", { chat: "c" });
    await write(opened.workspace, "blog/b", "b", { chat: "c" });
    await write(opened.workspace, "blog/a", "three", { user: "bob" });
    await expect(undo({ chat: "c" })).rejects.toThrow(
      /"blog\/a" was changed by bob with write_code/,
    );
    expect(opened.tree()).toEqual(["blog", "blog/a", "blog/b"]);
    writeFileSync(opened.at("blog/b"), "by hand");
    await expect(undo({ change: "3" })).rejects.toThrow(/changed outside the server/);
    await expect(undo({ chat: "nobody" })).rejects.toThrow(/knows nothing/);
    await expect(undo({ change: "99" })).rejects.toThrow(/no change "99"/);
    await expect(undo({ change: "x" })).rejects.toThrow(/not from an answer/);
  });

  test("finds a damaged version", async () => {
    await write(opened.workspace, "blog/a", "one");
    const { id } = await write(opened.workspace, "blog/a", "two");
    const [folder] = readdirSync(opened.at(".aihub/objects"));
    const [hash] = readdirSync(opened.at(`.aihub/objects/${folder}`));
    writeFileSync(opened.at(`.aihub/objects/${folder}/${hash}`), "oops");
    await expect(undo({ change: id as string })).rejects.toThrow(/damaged/);
  });
});

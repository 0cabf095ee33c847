import { createHash } from "node:crypto";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copy } from "../../src/tools/copy.ts";
import { deleteTool } from "../../src/tools/delete.ts";
import { makeDirectory } from "../../src/tools/make_directory.ts";
import { move } from "../../src/tools/move.ts";
import { restoreVersion } from "../../src/tools/restore_version.ts";
import { statTool } from "../../src/tools/stat.ts";
import { type Opened, openWorkspace } from "../workspace/opened.ts";
import { run } from "./running.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
  mkdirSync(opened.at("shop"));
});
afterEach(() => opened.remove());

const text = (path: string) => readFileSync(opened.at(path), "utf8");
const put = (path: string, content = path) => {
  mkdirSync(opened.at(path.slice(0, path.lastIndexOf("/"))), { recursive: true });
  writeFileSync(opened.at(path), content);
};
const blog = { project: "blog" };
const undo = (change: unknown) => run(opened, restoreVersion, { ...blog, change: String(change) });

describe("move", () => {
  test("takes files and folders to new names, with folders above them", async () => {
    put("blog/a");
    put("blog/src/deep/b");
    const first = await run(opened, move, { ...blog, from: "a", to: "new/place/a.txt" });
    expect(first.text).toBe("moved blog/a to blog/new/place/a.txt");
    const { structured } = await run(opened, move, { ...blog, from: "src", to: "lib" });
    expect(structured).toEqual({ change: "2" });
    expect(opened.tree()).toEqual([
      ...["blog", "blog/lib", "blog/lib/deep", "blog/lib/deep/b"],
      ...["blog/new", "blog/new/place", "blog/new/place/a.txt", "shop"],
    ]);
    await undo(2);
    await undo(1);
    expect([text("blog/a"), text("blog/src/deep/b")]).toEqual(["blog/a", "blog/src/deep/b"]);
    expect(opened.tree()).not.toContain("blog/new");
  });

  test("goes from one project to another", async () => {
    put("blog/src/a");
    await run(opened, move, { ...blog, from: "src", to: "from-blog", to_project: "shop" });
    expect(opened.tree()).toEqual(["blog", "shop", "shop/from-blog", "shop/from-blog/a"]);
  });

  test("takes a link itself, wherever it leads", async () => {
    symlinkSync(opened.outside, opened.at("blog/link"));
    await run(opened, move, { ...blog, from: "link", to: "renamed" });
    expect(readlinkSync(opened.at("blog/renamed"))).toBe(opened.outside);
  });
});

describe("copy", () => {
  test("copies files with their modes, and folders without links and .git", async () => {
    put("blog/run.sh");
    chmodSync(opened.at("blog/run.sh"), 0o750);
    for (const path of ["src/a", "src/deep/b", "src/.git/config", "src/.env"]) put(`blog/${path}`);
    symlinkSync("a", opened.at("blog/src/link"));
    mkdirSync(opened.at("blog/src/empty"));
    const one = await run(opened, copy, { ...blog, from: "run.sh", to: "bin/run" });
    expect(one.text).toBe("copied blog/run.sh to blog/bin/run, 1 file");
    expect(statSync(opened.at("blog/bin/run")).mode & 0o777).toBe(0o750);
    const { structured } = await run(opened, copy, {
      ...blog,
      from: "src",
      to: "src",
      to_project: "shop",
    });
    expect(structured).toEqual({ files: 3, change: "2" });
    expect(opened.tree().filter((path) => path.startsWith("shop/"))).toEqual([
      ...["shop/src", "shop/src/.env", "shop/src/a"],
      ...["shop/src/deep", "shop/src/deep/b", "shop/src/empty"],
    ]);
    await undo(2);
    expect(opened.tree().filter((path) => path.startsWith("shop"))).toEqual(["shop"]);
  });

  test("copies what is too large to be edited", async () => {
    put("blog/large", "x".repeat(9 * 1024 * 1024));
    await run(opened, copy, { ...blog, from: "large", to: "twin" });
    expect(text("blog/twin") === text("blog/large")).toBe(true);
  });

  test("does not follow a link", async () => {
    symlinkSync(opened.outside, opened.at("blog/link"));
    await expect(run(opened, copy, { ...blog, from: "link", to: "b" })).rejects.toThrow(
      /"blog\/link" is a symbolic link/,
    );
  });
});

describe.each([
  ["move", move],
  ["copy", copy],
])("%s", (_name, tool) => {
  test.each<[object, RegExp]>([
    [{ from: "a", to: "b" }, /"blog\/b" exists already/],
    [{ from: "a", to: "src" }, /"blog\/src" exists already/],
    [{ from: "src", to: "src/in/src" }, /into itself/],
    [{ from: "src", to: "src" }, /into itself|exists already/],
    [{ from: "none", to: "c" }, /"blog\/none" does not exist/],
    [{ from: "a/below", to: "c" }, /"blog\/a\/below" leads through a file/],
    [{ from: "a", to: "b/below" }, /"blog\/b\/below" leads through a file/],
    [{ from: "a", to: "out/x" }, /"blog\/out" is a symbolic link/],
    [{ from: "out/x", to: "c" }, /"blog\/out" is a symbolic link/],
    [{ from: "a", to: ".git/hooks/x" }, /belongs to git/],
    [{ from: "a", to: "../shop/a" }, /goes up/],
    [{ from: "../shop/a", to: "c" }, /goes up/],
    [{ from: "/etc/passwd", to: "c" }, /absolute path/],
    [{ from: "a", to: "back\\slash" }, /backslash/],
    [{ from: ".", to: "c" }, /project itself/],
    [{ from: "a", to: ".", to_project: "shop" }, /project itself/],
    [{ from: "a", to: "a", to_project: "none" }, /no project "none"/],
    [{ from: "a", to: "a", to_project: "../outside" }, /no project name/],
  ])("%j is refused", async (args, message) => {
    for (const path of ["blog/a", "blog/b", "blog/src/c", "shop/a"]) put(path);
    symlinkSync(opened.outside, opened.at("blog/out"));
    const before = opened.tree();
    await expect(run(opened, tool, { ...blog, ...args } as never)).rejects.toThrow(message);
    expect(opened.tree()).toEqual(before);
    expect(text("blog/b")).toBe("blog/b");
  });
});

describe("make_directory", () => {
  const make = (path: string) => run(opened, makeDirectory, { ...blog, path });

  test("makes the folders above too, and leaves what is there", async () => {
    const made = await make("src/deep/er");
    expect(made.structured).toEqual({ created: true, change: "1" });
    expect(made.text).toBe("made blog/src/deep/er/");
    const again = await make("src/deep");
    expect(again.structured).toEqual({ created: false });
    expect(again.text).toBe("there already: blog/src/deep/");
    expect((await make(".")).structured).toEqual({ created: false });
    expect(opened.tree()).toContain("blog/src/deep/er");
  });

  test.each([
    ["a", /is a file, so no folder/],
    ["a/b", /leads through a file|is a file/],
    ["out", /is a file|symbolic link/],
    ["out/b", /symbolic link/],
    [".git/x", /belongs to git/],
    ["../x", /goes up/],
  ])("%j is refused", async (path, message) => {
    put("blog/a");
    symlinkSync(opened.outside, opened.at("blog/out"));
    await expect(make(path)).rejects.toThrow(message);
  });
});

describe("delete", () => {
  const remove = (path: string, more: object = {}) =>
    run(opened, deleteTool, { ...blog, path, ...more });

  test("puts files and folders into the trash, from which an undo brings them back", async () => {
    put("blog/a");
    put("blog/src/deep/b");
    chmodSync(opened.at("blog/src/deep/b"), 0o640);
    const before = opened.tree();
    const { text: said, structured } = await remove("a");
    expect(said).toBe("deleted blog/a; restore_version with change 1 brings it back");
    expect(structured).toEqual({ change: "1" });
    await expect(remove("src")).rejects.toThrow(/folder that is not empty. Set recursive/);
    await remove("src", { recursive: true });
    expect(opened.tree()).toEqual(["blog", "shop"]);
    await undo(2);
    await undo(1);
    expect(opened.tree()).toEqual(before);
    expect([text("blog/a"), text("blog/src/deep/b")]).toEqual(["blog/a", "blog/src/deep/b"]);
    expect(statSync(opened.at("blog/src/deep/b")).mode & 0o777).toBe(0o640);
  });

  test("takes an empty folder, and a whole project only on request", async () => {
    mkdirSync(opened.at("blog/empty"));
    await remove("empty");
    await expect(remove(".")).rejects.toThrow(/"blog" is a whole project. Set recursive/);
    put("blog/a");
    await remove(".", { recursive: true });
    expect(opened.tree()).toEqual(["shop"]);
    await undo(2);
    expect(text("blog/a")).toBe("blog/a");
  });

  test("takes a link, not what it leads to", async () => {
    writeFileSync(`${opened.outside}/kept`, "kept");
    symlinkSync(opened.outside, opened.at("blog/out"));
    await remove("out");
    expect(readFileSync(`${opened.outside}/kept`, "utf8")).toBe("kept");
    await undo(1);
    expect(readlinkSync(opened.at("blog/out"))).toBe(opened.outside);
  });

  test("if_match keeps what has changed meanwhile", async () => {
    put("blog/a", "one");
    const etag = opened.workspace.etag("blog/a");
    put("blog/a", "changed");
    await expect(remove("a", { if_match: etag })).rejects.toThrow(/has changed since you read it/);
    await expect(remove("b", { if_match: etag })).rejects.toThrow(/does not exist/);
    await expect(remove(".", { if_match: etag })).rejects.toThrow(/is a folder; only files/);
    await remove("a", { if_match: opened.workspace.etag("blog/a") });
    expect(opened.tree()).toEqual(["blog", "shop"]);
  });

  test.each([
    ["none", /none" does not exist/],
    ["a/b", /leads through a file/],
    [".git", /belongs to git/],
    ["out/x", /symbolic link/],
    ["../shop", /goes up/],
  ])("%j is refused", async (path, message) => {
    put("blog/a");
    mkdirSync(opened.at("blog/.git"));
    symlinkSync(opened.outside, opened.at("blog/out"));
    await expect(remove(path, { recursive: true })).rejects.toThrow(message);
  });
});

describe("stat", () => {
  const look = async (path: string) => (await run(opened, statTool, { ...blog, path })).structured;

  test("says what is there", async () => {
    put("blog/a.ts", "one");
    chmodSync(opened.at("blog/a.ts"), 0o640);
    utimesSync(opened.at("blog/a.ts"), 1, 1);
    expect(await look("a.ts")).toEqual({
      kind: "file",
      size: 3,
      mode: "0640",
      modified: "1970-01-01T00:00:01.000Z",
      etag: createHash("sha256").update("one").digest("hex"),
      mime: "text/x-typescript",
    });
    mkdirSync(opened.at("blog/src.ts"), { mode: 0o755 });
    expect(await look("src.ts")).toEqual({
      kind: "folder",
      mode: "0755",
      modified: expect.stringMatching(/Z$/),
    });
    expect(await look(".")).toMatchObject({ kind: "folder" });
    expect((await run(opened, statTool, { project: ".", path: "." })).structured).toMatchObject({
      kind: "folder",
    });
    put("blog/Makefile");
    expect((await look("Makefile")).mime).toBeUndefined();
  });

  test("tells a large file by a name other than its hash", async () => {
    put("blog/large", "x".repeat(9 * 1024 * 1024));
    expect((await look("large")).etag).toMatch(/^stat-/);
  });

  test("does not follow links, nor read what has other names", async () => {
    symlinkSync(opened.outside, opened.at("blog/out"));
    expect(await look("out")).toMatchObject({ kind: "link" });
    expect((await look("out")).etag).toBeUndefined();
    writeFileSync(`${opened.outside}/secret`, "secret");
    linkSync(`${opened.outside}/secret`, opened.at("blog/hard"));
    expect(await look("hard")).toMatchObject({ kind: "file", size: 6 });
    expect((await look("hard")).etag).toBeUndefined();
  });

  test.each([
    ["none", /"none" does not exist/],
    ["a/b", /leads through a file/],
    ["out/x", /symbolic link/],
    ["../x", /goes up/],
  ])("%j is refused", async (path, message) => {
    put("blog/a");
    symlinkSync(opened.outside, opened.at("blog/out"));
    await expect(look(path)).rejects.toThrow(message);
    await expect(run(opened, statTool, { project: "none", path: "a" })).rejects.toThrow(
      /no project "none"/,
    );
  });
});

import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Confinement } from "../../src/workspace/confinement.ts";
import { caller, type Opened, openWorkspace, write } from "./opened.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
  writeFileSync(`${opened.outside}/secret`, "secret");
  writeFileSync(opened.at("blog/a.txt"), "a");
  mkdirSync(opened.at("blog/src"));
});
afterEach(() => opened.remove());

describe("confinement", () => {
  test("opens files and directories part by part", () => {
    const { files } = opened.workspace;
    using file = files.file("blog/a.txt");
    expect(file.stats.size).toBe(1);
    using directory = files.directory("blog");
    expect(directory.entries().map((entry) => entry.name)).toEqual(["a.txt", "src"]);
    using root = files.directory(".");
    expect(root.entries().map((entry) => entry.name)).toEqual(["blog"]);
  });

  test.each([
    ["a link to a file outside", "blog/link", (o: Opened) => `${o.outside}/secret`],
    ["a link to a file inside", "blog/link", () => "a.txt"],
    ["a dangling link", "blog/link", () => "nowhere"],
    ["a link in the middle", "blog/link/secret", (o: Opened) => o.outside],
    ["a link to a folder inside", "blog/link/x", () => "src"],
  ])("refuses %s", (_name, path, target) => {
    symlinkSync(target(opened), opened.at("blog/link"));
    expect(() => opened.workspace.read(path)).toThrow(/"blog\/link" is a symbolic link/);
  });

  test("writes, moves and deletes go through no link either", async () => {
    symlinkSync(opened.outside, opened.at("blog/link"));
    symlinkSync(`${opened.outside}/secret`, opened.at("blog/file"));
    const { workspace } = opened;
    await expect(write(workspace, "blog/link/new", "x")).rejects.toThrow(/symbolic link/);
    await expect(write(workspace, "blog/file", "x")).rejects.toThrow(/symbolic link/);
    expect(execFileSync("ls", [opened.outside]).toString()).toBe("secret\n");
  });

  test("refuses hard links and special files", () => {
    linkSync(opened.at("blog/a.txt"), opened.at("blog/b.txt"));
    expect(() => opened.workspace.read("blog/b.txt")).toThrow(/one of 2 hard links/);
    execFileSync("mkfifo", [opened.at("blog/pipe")]);
    expect(() => opened.workspace.read("blog/pipe")).toThrow(/device, socket or pipe/);
  });

  test.each(["", ".", "..", "../outside", "blog/src", "/"])("enters no folder by %j", (name) => {
    using root = opened.workspace.files.directory(".");
    expect(() => root.child(name)).toThrow(/is no name of a folder/);
  });

  test.each(["..", "blog/../..", "blog/..", "blog//src", "/blog", "", "./blog"])(
    "opens nothing at %j",
    (path) => {
      expect(() => opened.workspace.files.directory(path)).toThrow(/is no name of a folder/);
      expect(() => opened.workspace.files.file(`${path}/a.txt`)).toThrow(/is no name of a folder/);
    },
  );

  test("says what is wrong with a workspace", () => {
    expect(() => new Confinement(`${opened.folder}/missing`)).toThrow(/does not exist: create/);
    expect(() => new Confinement(opened.at("blog/a.txt"))).toThrow(/not a folder/);
  });

  test("knows its projects, and names them when one is missing", () => {
    mkdirSync(opened.at(".hidden"));
    mkdirSync(opened.at("api"));
    expect(opened.workspace.projects()).toEqual(["api", "blog"]);
    expect(() => opened.workspace.requireProject("shop", caller())).toThrow(
      'no project "shop"; known: api, blog. create_project makes one.',
    );
    opened.workspace.requireProject(".", caller());
  });
});

import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Change } from "../../src/workspace/change.ts";
import { caller, type Opened, openWorkspace, write } from "./opened.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const text = (path: string) => readFileSync(opened.at(path), "utf8");
const change = <T>(plan: (change: Change) => T | Promise<T>) =>
  opened.workspace.change({ tool: "test", caller: caller() }, "all", plan);

describe("a change", () => {
  test("writes a file with the folders above it, and keeps mode on the next write", async () => {
    const first = await write(opened.workspace, "blog/src/deep/a.sh", "one");
    expect(first.result.created).toBe(true);
    chmodSync(opened.at("blog/src/deep/a.sh"), 0o755);
    const second = await write(opened.workspace, "blog/src/deep/a.sh", "two");
    expect(second.result.created).toBe(false);
    expect(text("blog/src/deep/a.sh")).toBe("two");
    expect(statSync(opened.at("blog/src/deep/a.sh")).mode & 0o777).toBe(0o755);
    expect(opened.workspace.etag("blog/src/deep/a.sh")).toBe(second.result.etag);
  });

  test("is done also when somebody who is told of it fails, and the others are told", async () => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const told: string[][] = [];
    opened.workspace.onChange(() => {
      throw new Error("EMFILE: too many open files");
    });
    opened.workspace.onChange((paths) => told.push(paths));
    expect((await write(opened.workspace, "blog/a", "new")).id).toBe("1");
    expect(told).toEqual([["blog/a"]]);
    expect(said).toHaveBeenCalledWith(expect.stringContaining("telling of a change failed"));
    said.mockRestore();
  });

  test("that changes nothing is none", async () => {
    await write(opened.workspace, "blog/a", "same");
    const again = await write(opened.workspace, "blog/a", "same");
    expect(again.id).toBeUndefined();
    expect(opened.workspace.history.of("blog/a").versions).toHaveLength(1);
  });

  test("is all or nothing when the plan fails", async () => {
    await write(opened.workspace, "blog/a", "old");
    await expect(
      change((staged) => {
        staged.write("blog/a", Buffer.from("new"));
        staged.write("blog/b", Buffer.from("b"));
        staged.trash("blog/missing");
      }),
    ).rejects.toThrow();
    expect(opened.tree()).toEqual(["blog", "blog/a"]);
    expect(text("blog/a")).toBe("old");
    expect(readdirSync(opened.at(".aihub/unfinished"))).toEqual([]);
  });

  test("is all or nothing when a step cannot be carried out", async () => {
    await write(opened.workspace, "blog/a", "old a");
    await write(opened.workspace, "blog/z", "old z");
    await write(opened.workspace, "blog/gone", "gone");
    await expect(
      change((staged) => {
        staged.write("blog/a", Buffer.from("new a"));
        staged.write("blog/new", Buffer.from("new"));
        staged.trash("blog/gone");
        staged.move("blog/z", "blog/y");
        staged.write("blog/last", Buffer.from("x"));
        // Another program is quicker.
        writeFileSync(opened.at("blog/last"), "theirs");
      }),
    ).rejects.toThrow(/"blog\/last" was changed by another program/);
    expect(opened.tree()).toEqual(["blog", "blog/a", "blog/gone", "blog/last", "blog/z"]);
    expect([text("blog/a"), text("blog/z"), text("blog/gone"), text("blog/last")]).toEqual([
      "old a",
      "old z",
      "gone",
      "theirs",
    ]);
    expect(opened.workspace.history.of("blog/a").versions).toHaveLength(1);
    await opened.reopen();
    expect(text("blog/a")).toBe("old a");
  });

  test("sees its own earlier steps", async () => {
    await write(opened.workspace, "blog/old/a", "a");
    await change((staged) => {
      staged.write("blog/b", Buffer.from("1"));
      staged.write("blog/b", Buffer.from("2"));
      expect(staged.read("blog/b")?.bytes.toString()).toBe("2");
      staged.move("blog/old", "blog/new");
      expect(staged.kind("blog/old/a")).toBe("absent");
      expect(staged.read("blog/new/a")?.bytes.toString()).toBe("a");
      staged.write("blog/new/a", Buffer.from("a2"));
      staged.move("blog/b", "blog/new/b");
      staged.write("blog/gone", Buffer.from("x"));
      staged.trash("blog/gone");
    });
    expect(opened.tree()).toEqual(["blog", "blog/new", "blog/new/a", "blog/new/b"]);
    expect([text("blog/new/a"), text("blog/new/b")]).toEqual(["a2", "2"]);
  });

  test("moves and deletes links themselves", async () => {
    symlinkSync("nowhere", opened.at("blog/link"));
    await change((staged) => staged.move("blog/link", "blog/link2"));
    await change((staged) => staged.trash("blog/link2"));
    expect(opened.tree()).toEqual(["blog"]);
  });

  test("deletes one of several hard links, and gives it back", async () => {
    await write(opened.workspace, "blog/a", "a");
    linkSync(opened.at("blog/a"), opened.at("blog/b"));
    const { id } = await change((staged) => staged.trash("blog/b"));
    expect(opened.tree()).toEqual(["blog", "blog/a"]);
    await change((staged) => {
      opened.workspace.undo.stage(staged, { change: id as string });
    });
    expect(text("blog/b")).toBe("a");
  });

  test("copies files and folders, without links and git's own folder", async () => {
    await write(opened.workspace, "blog/src/a.sh", "a");
    chmodSync(opened.at("blog/src/a.sh"), 0o700);
    symlinkSync("a.sh", opened.at("blog/src/link"));
    mkdirSync(opened.at("blog/src/.git"));
    writeFileSync(opened.at("blog/src/.git/config"), "x");
    writeFileSync(opened.at("blog/src/large"), Buffer.alloc(9 * 1024 * 1024, "l"));
    const { result } = await change((staged) => staged.copy("blog/src", "blog/copy"));
    expect(result.files).toBe(2);
    expect(readdirSync(opened.at("blog/copy")).sort()).toEqual(["a.sh", "large"]);
    expect(statSync(opened.at("blog/copy/a.sh")).mode & 0o777).toBe(0o700);
    expect(statSync(opened.at("blog/copy/large")).size).toBe(9 * 1024 * 1024);
    await expect(change((staged) => staged.copy("blog/src", "blog/src/in"))).rejects.toThrow(
      /into itself/,
    );
  });

  test.each<[string, (staged: Change) => unknown, RegExp]>([
    ["a file onto a folder", (s) => s.write("blog/src", Buffer.from("")), /is a folder/],
    ["a folder onto a file", (s) => s.makeDirectory("blog/a"), /is a file/],
    ["below a file", (s) => s.write("blog/a/b", Buffer.from(""), { parents: true }), /./],
    ["into a missing folder", (s) => s.write("blog/no/b", Buffer.from("")), /blog\/no/],
    ["into git's folder", (s) => s.write("blog/.git/config", Buffer.from("")), /belongs to git/],
    ["a twin", (s) => s.write("blog/e\u0301", Buffer.from("")), /composed form/],
    ["over something", (s) => s.move("blog/a", "blog/src"), /exists already/],
    ["into itself", (s) => s.move("blog/src", "blog/src/x"), /into itself/],
    ["nothing", (s) => s.move("blog/none", "blog/x"), /blog\/none/],
    ["the root", (s) => s.trash("."), /cannot be changed/],
  ])("refuses %s", async (_name, plan, message) => {
    await write(opened.workspace, "blog/a", "a");
    mkdirSync(opened.at("blog/src"));
    await expect(change((staged) => void plan(staged))).rejects.toThrow(message);
    expect(opened.tree()).toEqual(["blog", "blog/a", "blog/src"]);
  });

  test("refuses a name that looks the same as one that is there", async () => {
    writeFileSync(opened.at("blog/e\u0301.txt"), "decomposed");
    await expect(write(opened.workspace, "blog/é.txt", "x")).rejects.toThrow(/look the same/);
  });

  test("tells listeners what it touched", async () => {
    const seen: string[][] = [];
    const stop = opened.workspace.onChange((paths) => seen.push(paths));
    await write(opened.workspace, "blog/a", "a");
    await change((staged) => staged.move("blog/a", "blog/b"));
    stop();
    await write(opened.workspace, "blog/c", "c");
    expect(seen).toEqual([["blog/a"], ["blog/a", "blog/b"]]);
  });

  test("edits of one file by many callers are all kept", async () => {
    await write(opened.workspace, "blog/a", "");
    await Promise.all(
      Array.from({ length: 50 }, (_none, number) =>
        opened.workspace.change({ tool: "t", caller: caller() }, ["blog/a"], (staged) => {
          const before = staged.read("blog/a")?.bytes.toString() ?? "";
          staged.write("blog/a", Buffer.from(`${before}${number}\n`));
        }),
      ),
    );
    expect(text("blog/a").trim().split("\n")).toHaveLength(50);
  });
});

test("a change with more content than fits into memory waits in files, and is read back from there", async () => {
  const content = (name: number) => Buffer.alloc(8 * 1024 * 1024, `${name}`);
  const { result } = await change(async (staged) => {
    for (let name = 0; name < 6; name++) staged.write(`blog/${name}`, content(name));
    // The last ones are no longer held.
    await staged.copy("blog/5", "blog/copy");
    return staged.steps.filter(({ bytes }) => bytes).length;
  });
  expect(result).toBe(4);
  for (let name = 0; name < 6; name++)
    expect(readFileSync(opened.at(`blog/${name}`)).equals(content(name))).toBe(true);
  expect(readFileSync(opened.at("blog/copy")).equals(content(5))).toBe(true);
  await expect(
    change((staged) => {
      for (let name = 0; name < 6; name++) staged.write(`blog/${name}`, content(name + 1));
      throw new Error("given up");
    }),
  ).rejects.toThrow("given up");
  expect(readdirSync(opened.at(".aihub/unfinished"))).toEqual([]);
});

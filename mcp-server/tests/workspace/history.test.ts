import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Versions } from "../../src/history/history.ts";
import type { Version } from "../../src/history/version.ts";
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

describe("a long history", () => {
  const CHANGES = 4_000;
  /** Rows that answering a page of 50, or finding one version, may read at most. */
  const FEW = 500;

  interface Line {
    version: string;
    op: string;
    path: string;
  }
  interface Made {
    /** What the one file that is followed is called at last, and what is expected of it, newest first. */
    path: string;
    versions: Line[];
    /** All steps, newest first. */
    steps: (Line & { chat: string })[];
  }

  /** Writes rows as if one file had been written, moved, deleted and edited by others, among much else. */
  function make(): Made {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const database = new DatabaseSync(opened.at(".aihub/history.db"));
    const insertChange = database.prepare(
      "INSERT INTO changes (time, state, tool, token, chat) VALUES (?, 2, 'test', 'tests', ?)",
    );
    const insertStep = database.prepare(
      "INSERT INTO steps (change, number, op, path, origin, before, after, folder) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    const steps: Made["steps"] = [];
    const versions: Line[] = [];
    let [folder, name, content] = ["blog/d", "f", undefined as string | undefined];
    /** Versions up to the last one whose content is known. */
    let known = 0;
    let version = "";
    let chat = "";
    const begin = () => {
      chat = `c${random(3)}`;
      version = String(insertChange.run(Date.now(), chat).lastInsertRowid);
      return 0;
    };
    const step = (
      number: number,
      op: string,
      path: string,
      more: { from?: string; before?: string; after?: string; folder?: boolean } = {},
    ) => {
      const { from = null, before = null, after = null } = more;
      insertStep.run(version, number, op, path, from, before, after, more.folder ? 1 : 0);
      steps.push({ version, op, path, chat });
    };
    const tell = (op: string, path: string) => versions.push({ version, op, path });
    const found = (path: string, before: string | undefined) => {
      if (before !== content)
        versions.splice(known, 0, { version: `${version}-before`, op: "outside", path });
    };
    let knownAs = `${folder}/${name}`;
    database.exec("BEGIN");
    for (let index = 0; index < CHANGES; index++) {
      const path = `${folder}/${name}`;
      const kind = random(200);
      begin();
      if (index < 3) step(0, "write", `quiet/${index}`, { after: "q" });
      else if (content === undefined || kind < 160) {
        const edited = content !== undefined && random(8) === 0;
        const before = edited ? `edited-${index}` : content;
        const after = `written-${index}`;
        step(0, "make_directory", folder, { folder: true });
        step(1, "write", path, { ...(before === undefined ? {} : { before }), after });
        if (content !== undefined) found(knownAs, before);
        tell("write", path);
        content = after;
        [known, knownAs] = [versions.length, path];
      } else if (kind === 160) {
        name = `f${index}`;
        step(0, "move", `${folder}/${name}`, { from: path, after: content });
        tell("move", `${folder}/${name}`);
        [known, knownAs] = [versions.length, `${folder}/${name}`];
        // Another file takes its place.
        begin();
        step(0, "write", path, { after: "another" });
      } else if (kind === 161) {
        const from = folder;
        folder = `blog/d${index}`;
        step(0, "move", folder, { from, folder: true });
        tell("move", folder);
      } else if (kind < 165) {
        step(0, "delete", path, { before: content });
        tell("delete", path);
        content = undefined;
      } else step(0, "write", `${folder}/beside`, { after: `beside-${index}` });
    }
    database.exec("COMMIT");
    database.close();
    return {
      path: `${folder}/${name}`,
      versions: versions.reverse(),
      steps: steps.reverse(),
    };
  }

  /** Runs something, and says how many rows it read. */
  function counting<T>(act: () => T): { result: T; rows: number } {
    const all = vi.spyOn(StatementSync.prototype, "all");
    try {
      const result = act();
      return {
        result,
        rows: all.mock.results.reduce((sum, { value }) => sum + (value as unknown[]).length, 0),
      };
    } finally {
      all.mockRestore();
    }
  }

  /** All pages, each of which reads little. */
  function pages(
    read: (page: { limit: number; before?: string }) => Versions,
    limit: number,
  ): Version[] {
    const versions: Version[] = [];
    for (let before: string | undefined; ; ) {
      const { result, rows } = counting(() =>
        read({ limit, ...(before === undefined ? {} : { before }) }),
      );
      expect(rows).toBeLessThan(FEW);
      versions.push(...result.versions);
      if (result.next === undefined) return versions;
      expect(result.versions).toHaveLength(limit);
      before = result.next;
    }
  }

  const line = ({ version, op, path }: Line): Line => ({ version, op, path });

  test("of a file comes in pages of any size, deep ones as cheaply as the first", () => {
    const { path, versions } = make();
    expect(versions.length).toBeGreaterThan(2_500);
    const { history } = opened.workspace;
    for (const limit of [7, 50])
      expect(pages((page) => history.of(path, page), limit).map(line)).toEqual(versions);
  });

  test("gives any version by its name, reading little", () => {
    const { path, versions } = make();
    const { history } = opened.workspace;
    for (const [index, one] of versions.entries()) {
      if (index % 10 > 0 && !one.version.endsWith("-before")) continue;
      const { result, rows } = counting(() => history.version(path, one.version));
      expect(result && line(result)).toEqual(one);
      expect(rows).toBeLessThan(FEW);
    }
    const known = new Set(versions.map(({ version }) => version));
    const others = Array.from({ length: CHANGES }, (_, index) => [`${index}`, `${index}-before`]);
    const missing = others
      .flat()
      .filter((version, index) => index % 29 === 0 && !known.has(version));
    expect(missing.length).toBeGreaterThan(100);
    for (const version of [...missing, "present", "01", "1-", "x", ""])
      expect(history.version(path, version)).toBeUndefined();
  });

  test("of a project, of a chat and of what a chat did in a folder comes in pages", () => {
    const { steps } = make();
    const { history } = opened.workspace;
    const within = (folder: string) => (one: Line) => `${one.path}/`.startsWith(`${folder}/`);
    for (const [options, expected] of [
      [{}, steps],
      [{ project: "blog" }, steps.filter(within("blog"))],
      [{ project: "quiet" }, steps.filter(within("quiet"))],
      [{ chat: "c1" }, steps.filter(({ chat }) => chat === "c1")],
      [
        { chat: "c1", project: "blog/d" },
        steps.filter((one) => one.chat === "c1" && within("blog/d")(one)),
      ],
    ] as const) {
      expect(expected.length).toBeGreaterThan(2);
      const shown = pages((page) => history.recent({ ...options, ...page }), 60);
      expect(shown.map(line)).toEqual(expected.map(line));
    }
  });

  test("takes only its own cursors", async () => {
    for (const number of [1, 2, 3]) await write(opened.workspace, "blog/a", `${number}`);
    const { history } = opened.workspace;
    const ofFile = history.of("blog/a", { limit: 1 }).next as string;
    const recent = history.recent({ limit: 1 }).next as string;
    for (const before of ["1", "", "-", "1.0-1.0", "1.0-1.0-3", `${ofFile}-1`, recent])
      expect(() => history.of("blog/a", { before })).toThrow(/not from an answer of history/);
    for (const before of ["1", "", ".", "1.2.3", "1.x", ofFile])
      expect(() => history.recent({ before })).toThrow(/not from an answer of history/);
  });

  test("keeps its pages when more is written meanwhile", async () => {
    for (const number of [1, 2, 3, 4]) await write(opened.workspace, "blog/a", `${number}`);
    const { history } = opened.workspace;
    const before = history.of("blog/a", { limit: 2 }).next as string;
    await write(opened.workspace, "blog/a", "5");
    expect(history.of("blog/a", { before }).versions.map(({ version }) => version)).toEqual([
      "2",
      "1",
    ]);
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

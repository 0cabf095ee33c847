/** list_files, tree, find_files and search_code on real files, in their worker threads. */
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { comparePaths } from "../../src/search/position.ts";
import { findFiles } from "../../src/tools/find_files.ts";
import { listFiles } from "../../src/tools/list_files.ts";
import { searchCode } from "../../src/tools/search_code.ts";
import { tree } from "../../src/tools/tree.ts";
import { type Opened, openWorkspace } from "../workspace/opened.ts";
import { type Ran, run } from "./running.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const project = "blog";
const put = (path: string, content: string | Buffer = "x\n") => {
  mkdirSync(dirname(opened.at(`blog/${path}`)), { recursive: true });
  writeFileSync(opened.at(`blog/${path}`), content);
};
const plant = (...paths: string[]) => {
  for (const path of paths) put(path);
};
const list = (more: object = {}) => run(opened, listFiles, { project, ...more });
const draw = (more: object = {}) => run(opened, tree, { project, ...more });
const find = (glob: string, more: object = {}) =>
  run(opened, findFiles, { project, glob, ...more });
const search = (query: string, more: object = {}) =>
  run(opened, searchCode, { project, query, ...more });
/** The first blocks of all pages, and how many pages there were. */
async function pages(page: (cursor?: string) => Promise<Ran>): Promise<string[]> {
  const all: string[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const { content, structured } = await page(cursor);
    all.push(content[0]?.text ?? "");
    cursor = structured.next_cursor as string | undefined;
    if (cursor !== undefined) expect(content[1]?.text).toContain(JSON.stringify(cursor));
    expect(all.length).toBeLessThan(200);
  }
  return all;
}

describe("list_files", () => {
  test("shows what there is, by name, folders and links marked", async () => {
    plant("b.txt", "a/x", ".hidden");
    symlinkSync("b.txt", opened.at("blog/link"));
    const { text, structured } = await list();
    expect(text).toBe(".hidden\na/\nb.txt\nlink (link)");
    expect(structured).toEqual({ entries: 4, total: 4 });
    expect((await list({ path: "a/", details: true })).text).toMatch(/^x\t2\t\d{4}-\d\d-\d\dT/);
    expect((await list({ project: ".", path: "." })).text).toBe("blog/");
  });

  test("comes in pages that skip and repeat nothing, also when entries vanish between them", async () => {
    plant(...Array.from({ length: 25 }, (_none, index) => `f${index + 10}`));
    const all = (await list()).text.split("\n");
    const paged = await pages((cursor) => list({ limit: 10, cursor }));
    expect(paged.map((page) => page.split("\n").length)).toEqual([10, 10, 5]);
    expect(paged.join("\n").split("\n")).toEqual(all);
    const first = await list({ limit: 10 });
    rmSync(opened.at("blog/f19"));
    const second = await list({ limit: 10, cursor: first.structured.next_cursor });
    expect(second.text).toMatch(/^f20\n/);
    expect((await list({ cursor: "zzz" })).text).toBe("[no entries]");
  });

  test("a very large folder is listed in a worker thread", async () => {
    mkdirSync(opened.at("blog/large"));
    const name = (index: number) => `${String(index).padStart(5, "0")}-${"n".repeat(180)}`;
    for (let index = 0; index < 3_000; index++)
      writeFileSync(opened.at(`blog/large/${name(index)}`), "");
    const { structured } = await list({ path: "large", limit: 5000 });
    expect(structured).toEqual({ entries: 3000, total: 3000 });
  });

  test.each([
    [{ path: "none" }, /"none" does not exist/],
    [{ path: "file" }, /is a file, not a folder/],
    [{ path: "../x" }, /goes up/],
    [{ path: "out" }, /symbolic link/],
    [{ project: "shop" }, /no project "shop"; known: blog/],
  ])("%j: says what is wrong", async (more, message) => {
    plant("file");
    symlinkSync(opened.outside, opened.at("blog/out"));
    await expect(list(more)).rejects.toThrow(message);
  });
});

describe("tree", () => {
  test("indents, and can be shallow", async () => {
    plant("a/b/c.txt", "a/d.txt", "e.txt");
    expect((await draw()).text).toBe("a/\n  b/\n    c.txt\n  d.txt\ne.txt");
    expect((await draw({ depth: 2 })).text).toBe("a/\n  b/ ...\n  d.txt\ne.txt");
    expect((await draw({ path: "a/b" })).text).toBe("c.txt");
    expect((await draw({ path: "a", depth: 1, limit: 1 })).structured).toEqual({
      entries: 1,
      next_cursor: "b",
    });
    expect((await draw({ path: "a", depth: 1, cursor: "b" })).text).toBe("d.txt");
  });

  test("a page that begins in the middle says in which folders", async () => {
    plant("a/b/c1", "a/b/c2", "a/d");
    const paged = await pages((cursor) => draw({ limit: 3, cursor }));
    expect(paged).toEqual(["a/\n  b/\n    c1", "a/\n  b/\n    c2\n  d"]);
  });

  test("walks over no link, and tells what it left out when nothing is left", async () => {
    symlinkSync(opened.outside, opened.at("blog/out"));
    symlinkSync(".", opened.at("blog/self"));
    execFileSync("mkfifo", [opened.at("blog/pipe")]);
    expect((await draw()).text).toBe("out (link)\npipe (special)\nself (link)");
    plant("dist/x", "dist/.gitignore");
    put("dist/.gitignore", "*\n");
    expect((await draw({ path: "dist" })).text).toMatch(/no entries; 2 entries were left out/);
    await expect(draw({ path: "dist/x" })).rejects.toThrow(/is a file, not a folder/);
  });
});

describe("find_files", () => {
  test("finds by name or by path, files or folders", async () => {
    plant("src/a.ts", "src/deep/b.ts", "src/deep/c.js", "d.ts", "test/src/e.ts");
    expect((await find("*.ts")).text).toBe("d.ts\nsrc/a.ts\nsrc/deep/b.ts\ntest/src/e.ts");
    expect((await find("src/**/*.{ts,js}")).text).toBe("src/a.ts\nsrc/deep/b.ts\nsrc/deep/c.js");
    expect((await find("*.ts", { path: "src" })).text).toBe("src/a.ts\nsrc/deep/b.ts");
    expect((await find("src", { kind: "folder" })).text).toBe("src/\ntest/src/");
    expect((await find("s*", { kind: "any", path: "./test/" })).text).toBe("test/src/");
    expect((await find("*.ts", { project: ".", limit: 1 })).content[0]?.text).toBe("blog/d.ts");
    expect((await find("*.py")).text).toBe("[nothing found]");
  });

  test("comes in pages", async () => {
    plant("a/1", "a/2", "b/1", "b/c/1", "d");
    for (const limit of [1, 2, 3, 5]) {
      const paged = await pages((cursor) => find("*", { limit, cursor }));
      expect(paged.join("\n")).toBe("a/1\na/2\nb/1\nb/c/1\nd");
    }
  });

  test("a glob that cannot be read is an error", async () => {
    await expect(find("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")).rejects.toThrow(/more than 100/);
  });
});

describe("what .gitignore leaves out", () => {
  test("agrees with git", async () => {
    const name = fc.constantFrom("a", "b", "c.o", "d.ts", "build", "keep");
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const rule = fc.constantFrom(
      ...[
        "a",
        "b/",
        "*.o",
        "!keep",
        "/build",
        "a/**",
        "!c.o",
        "a/*",
        "**/d.ts",
        "# a",
        "",
        "build/*",
      ],
      ...["!build/keep", "[ab]", "?.o", "\\!keep", "c.o ", "/a/b"],
    );
    const rules = fc.array(rule, { maxLength: 4 }).map((lines) => lines.join("\n"));
    await fc.assert(
      fc.asyncProperty(
        fc.array(path, { minLength: 1, maxLength: 12 }),
        rules,
        rules,
        async (paths, above, below) => {
          rmSync(opened.at("blog"), { recursive: true });
          mkdirSync(opened.at("blog"));
          for (const one of paths) {
            try {
              plant(one);
            } catch {
              // A file is where a folder would have to be.
            }
          }
          put(".gitignore", above);
          try {
            put("a/.gitignore", below);
          } catch {
            // As above.
          }
          const git = (...args: string[]) =>
            execFileSync("git", args, { cwd: opened.at("blog"), encoding: "utf8" });
          git("init", "-q");
          const wanted = git("ls-files", "-oz", "--exclude-standard").split("\0").filter(Boolean);
          const found = (await find("*", { limit: 5000 })).text.split("\n");
          expect(found.filter((line) => !line.startsWith("[")).sort()).toEqual(wanted.sort());
        },
      ),
      { numRuns: 60 },
    );
  });

  test("is shown on request, or when the folder itself is asked for", async () => {
    put(".gitignore", "dist/\n*.log\n");
    plant("dist/a.js", "a.log", "node_modules/pack/index.js", ".git/config", "src/a.ts");
    expect((await find("*")).text).toBe(".gitignore\nsrc/a.ts");
    expect((await find("*", { include_ignored: true })).text).toBe(
      ".gitignore\na.log\ndist/a.js\nnode_modules/pack/index.js\nsrc/a.ts",
    );
    expect((await find("*", { path: "dist" })).text).toBe("dist/a.js");
    expect((await find("*", { path: "node_modules" })).text).toBe("node_modules/pack/index.js");
    expect((await find("*", { path: ".git" })).text).toBe(".git/config");
    expect((await find("*.js")).text).toMatch(/3 entries were left out.*include_ignored/);
  });
});

describe("search_code", () => {
  test("shows the lines below their file, with the lines around on request", async () => {
    put("a.ts", "one\ntwo\nthree\nfour\nfive\nsix\nseven two\n");
    put("b/c.ts", "nothing\r\ntwo too\r\n");
    const { text, structured } = await search("two");
    expect(text).toBe("a.ts\n2:two\n7:seven two\n\nb/c.ts\n2:two too");
    expect(structured).toEqual({ matches: 3, files: 2, searched: 2 });
    expect((await search("two", { path: "a.ts", context: 1 })).text).toBe(
      "a.ts\n1-one\n2:two\n3-three\n--\n6-six\n7:seven two",
    );
    expect((await search("two", { context: 3, glob: "a.*" })).text).toBe(
      "a.ts\n1-one\n2:two\n3-three\n4-four\n5-five\n6-six\n7:seven two",
    );
    expect((await search("two", { path: "b" })).text).toBe("b/c.ts\n2:two too");
  });

  test("takes regular expressions, in JavaScript's spelling or nearly so", async () => {
    put("a", "foo(bar)\nFoo [x]\n\nend");
    const found = async (query: string, more: object = {}) =>
      (await search(query, { regex: true, ...more })).text.split("\n").slice(1);
    expect(await found("^foo\\(")).toEqual(["1:foo(bar)"]);
    expect(await found("^foo", { ignore_case: true })).toEqual(["1:foo(bar)", "2:Foo [x]"]);
    expect(await found("\\w+\\-?\\]$")).toEqual(["2:Foo [x]"]);
    expect(await found("^$")).toEqual(["3:"]);
    expect(await found("x*")).toHaveLength(4);
    expect(await found("\\)\\nFoo")).toEqual(["1:foo(bar)"]);
    expect(await found("e.d(?!\\n)")).toEqual(["4:end"]);
    await expect(search("(", { regex: true })).rejects.toThrow(
      /no regular expression.*Leave regex/,
    );
    await expect(search("a\nb")).rejects.toThrow(/holds a newline/);
  });

  test("ignores case on request, by Unicode's rules", async () => {
    put("a", "STRASSE\nÉcole a.c\nabc");
    expect((await search("éCOLE A.C", { ignore_case: true })).text).toBe("a\n2:École a.c");
    expect((await search("école")).text).toBe("[nothing found]");
  });

  test("pages through many matches, in the middle of a file too, and loses none", async () => {
    for (const file of ["a", "b/c", "d"])
      put(file, Array.from({ length: 7 }, (_none, line) => `hit ${file} ${line}\nmiss\n`).join(""));
    const hits = (text: string) => text.split("\n").filter((line) => /^\d+:/.test(line));
    const all = hits((await search("hit")).text);
    expect(all).toHaveLength(21);
    for (const limit of [1, 4, 7, 10, 20, 21]) {
      const paged = await pages((cursor) => search("hit", { limit, cursor }));
      expect(paged.flatMap(hits), String(limit)).toEqual(all);
      expect(paged).toHaveLength(Math.ceil(21 / limit));
    }
    await expect(search("hit", { cursor: "x" })).rejects.toThrow(/none of search_code/);
  });

  test("pages of threads that share a search are those of one", async () => {
    const word = fc.constantFrom("a", "b", "c", "hit", "x hit y");
    const content = fc.array(word, { maxLength: 8 }).map((lines) => lines.join("\n"));
    const name = fc.constantFrom("a", "b", "c", "d.x", "e/f", "e/g", "h/i/j", "h/i-j", "h.k");
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, content, { minKeys: 1, maxKeys: 9 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 2 }),
        async (tree, limit, context) => {
          rmSync(opened.at("blog"), { recursive: true });
          mkdirSync(opened.at("blog"));
          for (const [path, lines] of Object.entries(tree)) put(path, lines);
          const wanted = Object.entries(tree)
            .sort(([one], [other]) => comparePaths(one, other))
            .flatMap(([path, lines]) =>
              lines
                .split("\n")
                .flatMap((line, at) => (/hit/.test(line) ? [`${path}:${at + 1}`] : [])),
            );
          const found: string[] = [];
          for (const page of await pages((cursor) => search("hit", { limit, context, cursor }))) {
            let file = "";
            for (const line of page.split("\n")) {
              const hit = /^(\d+):/.exec(line)?.[1];
              if (hit) found.push(`${file}:${hit}`);
              else if (!/^(\d+-|--$|$)/.test(line)) file = line;
            }
          }
          expect(found).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("what is shown of an answer's size is bounded, and the rest is on the next pages", async () => {
    put(
      "wide",
      Array.from({ length: 1000 }, (_none, line) => `${line} ${"w".repeat(390)}`).join("\n"),
    );
    const paged = await pages((cursor) => search("w", { limit: 1000, cursor }));
    expect(paged.length).toBeGreaterThan(2);
    expect(Math.max(...paged.map((page) => page.length))).toBeLessThan(140_000);
    expect(paged.flatMap((page) => page.split("\n").slice(1))).toHaveLength(1000);
  });

  test("shows the part of a long line that matches", async () => {
    put("min.js", `${"a".repeat(10_000_000)}needle${"b".repeat(1_000)}\n`);
    const { text } = await search("needle");
    expect(text.length).toBeLessThan(500);
    expect(text).toMatch(/^min.js\n1:\.\.\.a+needleb+\.\.\.$/);
  });

  test("passes over what is no text, what is too large, and what is not inside", async () => {
    put("binary", Buffer.from("needle\0"));
    put("large", Buffer.alloc(33 * 1024 * 1024, "needle\n"));
    writeFileSync(`${opened.outside}/secret`, "needle");
    symlinkSync(`${opened.outside}/secret`, opened.at("blog/link"));
    symlinkSync(opened.outside, opened.at("blog/folder"));
    linkSync(`${opened.outside}/secret`, opened.at("blog/hard"));
    const { text, structured } = await search("needle");
    expect(text).toMatch(/^\[nothing found; 1 files too large/);
    expect(structured).toMatchObject({ matches: 0, too_large: 1 });
    await expect(search("needle", { path: "folder" })).rejects.toThrow(/symbolic link/);
    expect(
      (await search("needle", { project: ".", path: ".aihub" }).catch(String)) as string,
    ).toMatch(/history and trash/);
  });

  test("an expression that would never end is ended, and the next search is none the worse", async () => {
    put("a", `${"a".repeat(60)}!\n`);
    const started = search("^(a+)+$", { regex: true });
    expect((await search("a!")).text).toContain("1:aaa");
    await expect(started).rejects.toThrow(/nested repetitions/);
    expect((await search("a!")).text).toContain("1:aaa");
  });

  test("a cancelled search ends at once, also inside an expression", async () => {
    put("a", `${"a".repeat(60)}!\n`);
    const controller = new AbortController();
    const query = { project, path: ".", query: "^(a+)+$", regex: true, ignoreCase: false };
    const running = opened.walks.search(
      { ...query, includeIgnored: false, context: 0, limit: 1 },
      controller.signal,
    );
    setTimeout(() => controller.abort(), 100);
    await expect(running).rejects.toThrow(/abort/i);
  });

  test("more searches at once than there are threads are all answered", async () => {
    for (let index = 0; index < 50; index++) put(`d${index}/f`, `n${index}\n`);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_none, index) => search(`n${index}`, { regex: false, limit: 1 })),
    );
    for (const [index, { text }] of answers.entries()) expect(text).toContain(`1:n${index}`);
  });
});

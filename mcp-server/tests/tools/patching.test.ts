import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  type Dirent,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { applyPatch } from "../../src/tools/apply_patch.ts";
import { restoreVersion } from "../../src/tools/restore_version.ts";
import { ToolError } from "../../src/tools/tool-error.ts";
import { unifiedDiff } from "../../src/tools/unified-diff.ts";
import { type Opened, openWorkspace } from "../workspace/opened.ts";
import { run } from "./running.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const text = (path: string) => readFileSync(opened.at(`blog/${path}`), "utf8");
const put = (path: string, content: string | Buffer) =>
  writeFileSync(opened.at(`blog/${path}`), content);
const mode = (path: string) => statSync(opened.at(`blog/${path}`)).mode & 0o777;
const patch = (...lines: string[]) => patchAs({}, ...lines);
const patchAs = (more: object, ...lines: string[]) =>
  run(opened, applyPatch, { project: "blog", patch: `${lines.join("\n")}\n`, ...more });
/** A patch of one file that is there. */
const hunks = (path: string, ...lines: string[]) =>
  patch(`--- a/${path}`, `+++ b/${path}`, ...lines);
const numbered = (count: number) =>
  Array.from({ length: count }, (_none, index) => `line ${index + 1}\n`).join("");

describe("a patch", () => {
  test("changes, creates, deletes and renames files at once", async () => {
    put("a.ts", "one\ntwo\nthree\n");
    put("old.ts", "x\ny\n");
    put("gone.ts", "gone\n");
    const { text: said, structured } = await patch(
      "diff --git a/a.ts b/a.ts",
      "index 123..456 100644",
      "--- a/a.ts",
      "+++ b/a.ts",
      "@@ -1,3 +1,3 @@",
      " one",
      "-two",
      "+2",
      " three",
      "diff --git a/src/new.ts b/src/new.ts",
      "new file mode 100644",
      "--- /dev/null",
      "+++ b/src/new.ts",
      "@@ -0,0 +1,2 @@",
      "+new",
      "+file",
      "diff --git a/old.ts b/src/renamed.ts",
      "similarity index 50%",
      "rename from old.ts",
      "rename to src/renamed.ts",
      "--- a/old.ts",
      "+++ b/src/renamed.ts",
      "@@ -2 +2 @@",
      "-y",
      "+Y",
      "diff --git a/gone.ts b/gone.ts",
      "deleted file mode 100644",
      "--- a/gone.ts",
      "+++ /dev/null",
      "@@ -1 +0,0 @@",
      "-gone",
    );
    expect(opened.tree()).toEqual([
      "blog",
      "blog/a.ts",
      "blog/src",
      "blog/src/new.ts",
      "blog/src/renamed.ts",
    ]);
    expect([text("a.ts"), text("src/new.ts"), text("src/renamed.ts")]).toEqual([
      "one\n2\nthree\n",
      "new\nfile\n",
      "x\nY\n",
    ]);
    expect(said).toBe(
      "changed  a.ts\ncreated  src/new.ts\nmoved from old.ts  src/renamed.ts\ndeleted  gone.ts",
    );
    expect(structured.change).toBe("1");
    expect((structured.files as object[])[0]).toEqual({
      path: "a.ts",
      done: "changed",
      etag: opened.workspace.etag("blog/a.ts"),
    });
    await run(opened, restoreVersion, { project: "blog", change: "1" });
    expect(opened.tree()).toEqual(["blog", "blog/a.ts", "blog/gone.ts", "blog/old.ts"]);
    expect([text("a.ts"), text("old.ts"), text("gone.ts")]).toEqual([
      "one\ntwo\nthree\n",
      "x\ny\n",
      "gone\n",
    ]);
  });

  test("is all or nothing", async () => {
    put("a", "one\n");
    put("b", "two\n");
    await expect(
      patch(
        ...["--- a/a", "+++ b/a", "@@ -1 +1 @@", "-one", "+1"],
        ...["--- /dev/null", "+++ b/new", "@@ -0,0 +1 @@", "+new"],
        ...["--- a/b", "+++ b/b", "@@ -1 +1 @@", "-three", "+3"],
      ),
    ).rejects.toThrow(/Nothing was applied. Hunk 1 of 1 \(@@ -1 \+1 @@\) does not fit "blog\/b"/);
    expect(opened.tree()).toEqual(["blog", "blog/a", "blog/b"]);
    expect([text("a"), text("b")]).toEqual(["one\n", "two\n"]);
  });

  test("on trial changes nothing", async () => {
    put("a", "one\n");
    const lines = ["--- a/a", "+++ b/b", "@@ -1 +1 @@", "-one", "+1"];
    const { text: said, structured } = await patchAs({ dry_run: true }, ...lines);
    expect(said).toBe("would be moved from a  b");
    expect(structured.change).toBeUndefined();
    expect(opened.tree()).toEqual(["blog", "blog/a"]);
    expect(opened.workspace.history.recent().versions).toEqual([]);
  });

  test("may name a file twice; the second part sees what the first one did", async () => {
    await patch(
      ...["--- /dev/null", "+++ b/a", "@@ -0,0 +1 @@", "+one"],
      ...["--- a/a", "+++ b/a", "@@ -1 +1,2 @@", " one", "+two"],
    );
    expect(text("a")).toBe("one\ntwo\n");
  });

  test("says what it does to empty files, modes and names without any hunk", async () => {
    put("tool.sh", "#!/bin/sh\n");
    put("large", Buffer.alloc(9 * 1024 * 1024));
    put("empty", "");
    put("gone", "whatever\n");
    chmodSync(opened.at("blog/tool.sh"), 0o640);
    await patch(
      ...["diff --git a/tool.sh b/tool.sh", "old mode 100644", "new mode 100755"],
      ...[
        "diff --git a/large b/big",
        "similarity index 100%",
        "rename from large",
        "rename to big",
      ],
      ...["diff --git a/empty b/empty", "deleted file mode 100644", "index e69de29..0000000"],
      ...["diff --git a/new b/new", "new file mode 100755", "index 0000000..e69de29"],
      ...["diff --git a/tool.sh b/copy.sh", "copy from tool.sh", "copy to copy.sh"],
      ...["--- a/gone", "+++ /dev/null"],
    );
    expect(opened.tree().slice(1)).toEqual([
      "blog/big",
      "blog/copy.sh",
      "blog/new",
      "blog/tool.sh",
    ]);
    expect([mode("tool.sh"), mode("copy.sh"), mode("new") & 0o100]).toEqual([0o750, 0o750, 0o100]);
    expect([text("new"), text("copy.sh")]).toEqual(["", "#!/bin/sh\n"]);
    await patch("diff --git a/tool.sh b/tool.sh", "old mode 100755", "new mode 100644");
    expect(mode("tool.sh")).toBe(0o640);
  });

  test("may come with prose, fences, CRLF, or as git mails it", async () => {
    const lines = ["--- a/a", "+++ b/a", "@@ -1,2 +1,2 @@", "-one", "+1", " two"];
    const around: [string[], string[]][] = [
      [
        ["Here it is:", "", "```diff"],
        ["```", "It changes one line."],
      ],
      [["````"], ["````"]],
      [
        ["From 123 Mon Sep 17", "Subject: x", "---", " a | 2 +-", ""],
        ["-- ", "2.43.0", ""],
      ],
      [
        ["Index: a", "======"],
        ["", ""],
      ],
    ];
    for (const [before, after] of around) {
      put("a", "one\ntwo\n");
      await patch(...before, ...lines, ...after);
      expect(text("a")).toBe("1\ntwo\n");
    }
    put("a", "one\ntwo\n");
    await run(opened, applyPatch, { project: "blog", patch: lines.join("\r\n") });
    expect(text("a")).toBe("1\ntwo\n");
  });

  test("may change fences, and lines that look like headers", async () => {
    put("a.md", "Code:\n```js\nx\n```\n-- a/x\n");
    await hunks(
      "a.md",
      ...["@@ -1,5 +1,6 @@", " Code:", "-```js", "+```ts", " x", " ```", "--- a/x"],
      ...["+++ b/x", "++ more"],
    );
    expect(text("a.md")).toBe("Code:\n```ts\nx\n```\n++ b/x\n+ more\n");
  });

  test("names files with and without prefixes, with blanks, quotes and any letters", async () => {
    mkdirSync(opened.at("blog/a"));
    for (const name of ["plain", "a/b", 'a "b" c.txt', "größe 語.txt", "tab"]) put(name, "x\n");
    const change = ["@@ -1 +1 @@", "-x", "+y"];
    await patch(
      ...["--- plain", "+++ plain", ...change],
      ...["--- a/b", "+++ a/b", ...change],
      ...['--- a/a "b" c.txt', '+++ b/a "b" c.txt', ...change],
      ...['--- "a/gr\\303\\266\\303\\237e \\350\\252\\236.txt"', "+++ b/größe 語.txt", ...change],
      ...["--- a/tab\t2026-01-01 10:00:00", "+++ b/tab\t2026-01-01", ...change],
      ...[
        'diff --git "a/q\\"2" "b/q\\"2"',
        "--- /dev/null",
        '+++ "b/q\\"2"',
        "@@ -0,0 +1 @@",
        "+q",
      ],
    );
    for (const name of ["plain", "a/b", 'a "b" c.txt', "größe 語.txt", "tab"])
      expect(text(name)).toBe("y\n");
    expect(text('q"2')).toBe("q\n");
  });

  test("needs the scope of a delete to delete", async () => {
    put("a", "one\n");
    const lines = ["--- a/a", "+++ /dev/null", "@@ -1 +0,0 @@", "-one"];
    await expect(
      run(
        opened,
        applyPatch,
        { project: "blog", patch: lines.join("\n") },
        { scopes: new Set(["read", "write"]) },
      ),
    ).rejects.toThrow(/deletes "a", and token "tests" may not delete/);
    expect(text("a")).toBe("one\n");
  });

  test.each<[string, RegExp]>([
    ["--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b", /changes "blog\/none", which does not exist/],
    ["--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+b", /creates "blog\/a", which exists already/],
    ["--- a/a\n+++ b/b\n@@ -1 +1 @@\n-a\n+b", /"blog\/b" exists already/],
    ["--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-a", /does not know of 1 of its lines/],
    ["--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b", /goes up by "\.\."/],
    ["--- /dev/null\n+++ /etc/x\n@@ -0,0 +1 @@\n+b", /absolute path/],
    ["rename\ndiff --git a/a b/c\nrename from a\nrename to ../c", /goes up by "\.\."/],
    ["--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+b", /belongs to git/],
    ["--- a/folder\n+++ b/folder\n@@ -1 +1 @@\n-a\n+b", /"blog\/folder", which is a folder/],
    ["--- a/link\n+++ b/link\n@@ -1 +1 @@\n-a\n+b", /symbolic link/],
    ["--- /dev/null\n+++ b/a/b\n@@ -0,0 +1 @@\n+b", /"blog\/a\/b" leads through a file/],
    ["--- a/bytes\n+++ b/bytes\n@@ -1 +1 @@\n-a\n+b", /"blog\/bytes" is not UTF-8/],
    [
      "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+a",
      /120000/,
    ],
    ["diff --git a/a b/a\nindex 1..2\nBinary files a/a and b/a differ", /the binary file "a"/],
    ["diff --git a/a b/a\nindex 1..2", /changes nothing in "a"/],
    ["--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n a\n b", /changes nothing: none of its lines/],
    ["--- a/a\n+++ b/a\n-a\n+b", /Line 3 of the patch, "-a", belongs to no hunk/],
    ["@@ -1 +1 @@\n-a\n+b", /Line 1 of the patch.*has no "--- a\/path"/],
    ["--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-a\nb\n+c", /Line 5 of the patch, "b", is in a hunk, but/],
    ["--- a/a\n+++ b/a\n@@@ -1 -1 +1 @@@\n-a\n+b", /hunk of a merge/],
    ["--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+\ud800", /half a Unicode/],
    ["Please change a to b.", /no unified diff. Each file needs/],
    ["\n \n", /no unified diff/],
  ])("%j is refused", async (lines, message) => {
    put("a", "a\nb\n");
    put("b", "b\n");
    put("bytes", Buffer.from([0, 1]));
    mkdirSync(opened.at("blog/folder"));
    symlinkSync("a", opened.at("blog/link"));
    const before = opened.tree();
    await expect(patch(lines)).rejects.toThrow(message);
    expect(opened.tree()).toEqual(before);
    expect([text("a"), text("b")]).toEqual(["a\nb\n", "b\n"]);
  });

  test("without a character is no patch", async () => {
    await expect(run(opened, applyPatch, { project: "blog", patch: "" })).rejects.toThrow();
    await expect(run(opened, applyPatch, { project: "shop", patch: "x" })).rejects.toThrow(
      /no project "shop"/,
    );
  });
});

describe("a hunk", () => {
  const forty = numbered(40);

  test("goes to the one place it fits, whatever line its header says", async () => {
    for (const header of [
      "@@ -3,3 +3,3 @@",
      "@@ -39,3 +39,3 @@",
      "@@ -999,3 +999,3 @@",
      "@@ @@",
      "@@ ... @@",
      "@@ -x",
    ]) {
      put("a", forty);
      await hunks("a", header, " line 19", "-line 20", "+20", " line 21");
      expect(text("a")).toBe(forty.replace("line 20\n", "20\n"));
    }
  });

  test("goes where its header says among several places, also after one that was off", async () => {
    const block = "if (x) {\n  y();\n}\n";
    const change = [" if (x) {", "-  y();", "+  z();", " }"];
    put("a", block.repeat(3));
    await hunks("a", "@@ -4,3 +4,3 @@", ...change);
    expect(text("a")).toBe(block + block.replace("y", "z") + block);
    put("a", `start\n${block.repeat(3)}`);
    await hunks("a", "@@ -3 +3 @@", "-start", "+START", "@@ -7,3 +7,3 @@", ...change);
    expect(text("a")).toBe(`START\n${block}${block.replace("y", "z")}${block}`.replace("z", "z"));
  });

  test("that fits several places is refused with their lines", async () => {
    put("a", "x\ny\nx\ny\nx\nz\n");
    await expect(hunks("a", "@@ -2 +2 @@", "-x", "+X")).rejects.toThrow(
      /fits "blog\/a" in several places: from line 1, 3, 5. Correct the line number/,
    );
    await hunks("a", "@@ -9,2 +9,2 @@", "-x", "+X", " z");
    await hunks("a", "@@ -3 +3 @@", "-x", "+X");
    expect(text("a")).toBe("x\ny\nX\ny\nX\nz\n");
  });

  test.each(["@@ -19,1 +19,1 @@", "@@ -19,9 +19,9 @@", "@@ -19,4 +19,4 @@", "@@ -19 +19,30 @@"])(
    "%s: its lines count, not what its header counts",
    async (header) => {
      put("a", forty);
      put("b", "b\n");
      const change = [header, " line 19", "-line 20", "+20", " line 21"];
      const other = ["--- a/b", "+++ b/b", "@@ -1,7 +1,7 @@", "-b", "+B"];
      await hunks("a", ...change, header.replace("19", "29"), "-line 30", "+30", "+more", ...other);
      expect(text("a")).toBe(forty.replace("line 20\n", "20\n").replace("line 30\n", "30\nmore\n"));
      expect(text("b")).toBe("B\n");
      await hunks(
        "b",
        "@@ -1,2 +1,2 @@",
        "-B",
        "+b",
        "",
        ...["--- a/a", "+++ b/a", "@@ -1 +1 @@", "-line 1", "+1"],
      );
      expect(text("b")).toBe("b\n");
    },
  );

  test("may have lost the space of an empty line", async () => {
    put("a", "one\n\ntwo\n\n");
    await hunks("a", "@@ -1,4 +1,4 @@", " one", "", "-two", "+2", "");
    expect(text("a")).toBe("one\n\n2\n\n");
  });

  test("may share lines with the one before", async () => {
    put("a", "1\n2\n3\n4\n");
    await hunks(
      "a",
      "@@ -1,3 +1,3 @@",
      "-1",
      "+one",
      " 2",
      " 3",
      "@@ -2,3 +2,3 @@",
      " 2",
      "-3",
      "+three",
      " 4",
    );
    expect(text("a")).toBe("one\n2\nthree\n4\n");
  });

  test("of added lines only goes where its header says, and nowhere in doubt", async () => {
    put("a", "1\n2\n");
    await hunks("a", "@@ -1,0 +2 @@", "+1.5");
    expect(text("a")).toBe("1\n1.5\n2\n");
    await hunks("a", "@@ -3,0 +4 @@", "+3");
    expect(text("a")).toBe("1\n1.5\n2\n3\n");
    for (const header of ["@@ -0,0 +1 @@", "@@ -1 +1,2 @@", "@@ @@", "@@ -9,0 +10 @@"])
      await expect(hunks("a", header, "+x")).rejects.toThrow(/only lines to add, so it is not/);
    put("empty", "");
    await hunks("empty", "@@ -1 +1,2 @@", "+x");
    expect(text("empty")).toBe("x\n");
  });

  test.each<[string[], RegExp]>([
    [
      ["@@ -9,3 +9,3 @@", " line 9", "-line ten", "+x"],
      /first line is line 9, but where it expects\nline ten\nline 10 is\nline 10\n/,
    ],
    [["@@ -9,2 +9,2 @@", " line 9", "-line  10", "+x"], /They differ in white space only/],
    [
      ["@@ -9 +9 @@", "-  line 9", "+x"],
      /Its first line is\n {2}line 9\nand line 9 is\nline 9\nThey differ/,
    ],
    [
      ["@@ -9 +9 @@", "-nothing", "+x"],
      /nowhere in the file:\nnothing\nFrom line 9 on there is\n9\tline 9\n/,
    ],
    [["@@ -99 +99 @@", "-nothing", "+x"], /nowhere in the file:\nnothing\nThe file has 40 lines/],
    [["@@ -40,2 +40,2 @@", " line 40", "-line 41", "+x"], /expects\nline 41\nthe file ends/],
    [["@@ -9,2 +9,2 @@", " line 9", "-ten", "+line 10"], /applied already, it seems: .* line 9 on/],
    [
      ["@@ -9 +9 @@", "-line 9", "+9", "@@ -5 +5 @@", "-line 5", "+5"],
      /Hunk 2 of 2 .* begin at line 5, above the end/,
    ],
    [
      ["@@ -9 +9 @@", "-line 9", "+9", "\\ No newline at end of file"],
      /says that the file ends there/,
    ],
  ])("%j does not fit, and it is said why", async (lines, message) => {
    put("a", forty);
    await expect(hunks("a", ...lines)).rejects.toThrow(message);
    expect(text("a")).toBe(forty);
  });

  test("that would take too long to place is refused", async () => {
    put("a", "\n".repeat(200_000));
    await expect(
      hunks("a", "@@ -1,500 +1,500 @@", ...Array(499).fill(" "), "-x", "+y"),
    ).rejects.toThrow(/too long to look for/);
  });
});

describe("the ends of lines", () => {
  test.each<[string, string, string[], string]>([
    ["CRLF stays", "a\r\nb\r\n", [" a", "-b", "+c", "+d"], "a\r\nc\r\nd\r\n"],
    [
      "each of a mixed file",
      "a\r\nb\nc\n",
      ["-a", "+A", "+A", "-b", "+B", " c"],
      "A\r\nA\r\nB\nc\n",
    ],
    ["a byte order mark stays", "\ufeffa\nb\n", ["-a", "+A", " b"], "\ufeffA\nb\n"],
    ["a mark that the patch spells", "\ufeffa\n", ["-\ufeffa", "+\ufeffA"], "\ufeffA\n"],
    ["a mark that the patch takes", "\ufeffa\n", ["-\ufeffa", "+A"], "A\n"],
    ["CRLF that the patch spells", "a\r\nb\r\n", [" a\r", "-b\r", "+c\r"], "a\r\nc\r\n"],
    ["CRLF that the patch takes", "a\r\nb\r\n", ["-a\r", "-b\r", "+a", "+b"], "a\nb\n"],
    ["CRLF that the patch gives", "a\nb\n", ["-a", "-b", "+a\r", "+b\r"], "a\r\nb\r\n"],
    ["CRLF for a file without", "a\nb\n", [" a\r", "-b\r", "+c\r"], "a\nc\n"],
    ["no newline stays none", "a\nb", [" a", "-b", "+c"], "a\nc"],
    ["nothing said of none below", "a\nb", [" a", " b", "+c"], "a\nb\nc"],
    ["one that is given", "a\nb", ["-b", "\\ No newline at end of file", "+b"], "a\nb\n"],
    ["one that is taken", "a\nb\n", ["-b", "+b", "\\ No newline at end of file"], "a\nb"],
    ["none before and after", "a\nb", ["-b", "\\ No newline", "+c", "\\ No newline"], "a\nc"],
    ["none below a kept line", "a\nb", ["-a", "+A", " b", "\\ No newline"], "A\nb"],
    ["none of a file with CRLF", "a\r\nb", [" a", " b", "+c"], "a\r\nb\r\nc"],
    ["none of one that is cut", "a\r\nb", [" a", "-b"], "a"],
    ["a lone return is no line end", "a\nb\r", ["-a", "+A"], "A\nb\r"],
    ["nothing is left", "a\n", ["-a"], ""],
  ])("%s", async (_name, before, lines, after) => {
    put("a", before);
    await hunks("a", "@@ @@", ...lines);
    expect(text("a")).toBe(after);
  });

  test("new files get what the patch says", async () => {
    const none = "\\ No newline at end of file";
    await patch(
      ...["--- /dev/null", "+++ b/a", "@@ -0,0 +1,2 @@", "+a", "+b", none],
      ...["--- /dev/null", "+++ b/crlf", "@@ -0,0 +1 @@", "+a\r"],
    );
    expect([text("a"), text("crlf")]).toEqual(["a\nb", "a\r\n"]);
  });
});

/** The same every time, so that a failure can be seen again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** A text and what became of it, with all ends that lines have. */
function twoTexts(next: (below: number) => number): [string, string] {
  const lines = Array.from({ length: 1 + next(40) }, () => `line ${next(9)}`);
  const changed = lines.flatMap((line) => {
    const dice = next(12);
    return dice === 0 ? [] : dice === 1 ? [line, "new"] : dice === 2 ? ["other"] : [line];
  });
  const end = ["\n", "\r\n"][next(2)];
  const last = () => ["\n", "\r\n", ""][next(3)];
  return [lines.join(end) + last(), changed.length === 0 ? "" : changed.join(end) + last()];
}

test("what diff says of two texts leads from one to the other", async () => {
  const next = numbers(7);
  for (let round = 0; round < 60; round++) {
    const [before, after] = twoTexts(next);
    if (before === after) continue;
    put("a b", before);
    await run(opened, applyPatch, { project: "blog", patch: unifiedDiff("a b", before, after) });
    expect(text("a b"), `round ${round}`).toBe(after);
  }
});

test("what git says of two trees leads from one to the other", async () => {
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x", ...args], {
      cwd: opened.outside,
      encoding: "utf8",
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
    });
  const next = numbers(3);
  git("init", "-q");
  for (let round = 0; round < 12; round++) {
    const project = `p${round}`;
    const pairs = [
      "plain",
      "größe b/x.txt",
      'q"uote',
      "sub/tab le",
      "renamed",
      "gone",
      "script",
    ].map((name) => ({ name, texts: twoTexts(next) }));
    for (const side of [0, 1] as const) {
      rmSync(join(opened.outside, "tree"), { recursive: true, force: true });
      for (const { name, texts } of pairs) {
        if (side === 1 && name === "gone") continue;
        const file = join(
          opened.outside,
          "tree",
          side === 1 && name === "renamed" ? "to/it" : name,
        );
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, name === "renamed" ? texts[0].repeat(1 + side) : texts[side]);
        if (side === 1 && name === "script") chmodSync(file, 0o755);
      }
      git("add", "-A");
      git("commit", "-qm", "x", "--allow-empty");
      if (side === 0) cpSync(join(opened.outside, "tree"), opened.at(project), { recursive: true });
    }
    const patch = git("diff", "-M10", `-U${1 + next(3)}`, "--relative=tree", "HEAD~", "HEAD");
    await run(opened, applyPatch, { project, patch });
    const tree = (folder: string) =>
      (readdirSync(folder, { recursive: true, withFileTypes: true }) as Dirent[])
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((file) => [
          relative(folder, file),
          readFileSync(file, "utf8"),
          statSync(file).mode & 0o100,
        ])
        .sort();
    expect(tree(opened.at(project)), `round ${round}\n${patch}`).toEqual(
      tree(join(opened.outside, "tree")),
    );
  }
});

test("no broken patch is taken for a defect of the server", async () => {
  const next = numbers(11);
  const pieces = [
    ...["--- a/a", "+++ b/a", "@@ -1,2 +1,2 @@", "@@", "-one", "+1", " two", "", "\\ No newline"],
    ...["diff --git a/a b/a", "rename to b", "rename from a", "new file mode 100644", "-- ", "```"],
    ...[
      "--- /dev/null",
      "+++ /dev/null",
      '--- "a/\\',
      "diff --git ",
      "old mode 1",
      "@@ -9,0 +1 @@",
    ],
  ];
  for (let round = 0; round < 300; round++) {
    put("a", "one\ntwo\n");
    const lines = Array.from({ length: 1 + next(9) }, () => pieces[next(pieces.length)] as string);
    await patchAs({ dry_run: true }, ...lines).catch((error) =>
      expect(error, lines.join("\n")).toBeInstanceOf(ToolError),
    );
  }
});

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "../../src/limits.ts";
import { editCode } from "../../src/tools/edit_code.ts";
import { writeCode } from "../../src/tools/write_code.ts";
import { type Opened, openWorkspace } from "../workspace/opened.ts";
import { run } from "./running.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const text = (path: string) => readFileSync(opened.at(`blog/${path}`), "utf8");
const put = (path: string, content: string) => writeFileSync(opened.at(`blog/${path}`), content);
const write = (path: string, content: string, more: object = {}, labels = {}) =>
  run(opened, writeCode, { project: "blog", path, content, ...more }, labels);
const edit = (path: string, edits: object[], more: object = {}) =>
  run(opened, editCode, { project: "blog", path, edits: edits as never, ...more });

describe("write_code", () => {
  test("creates with folders, replaces, and says so", async () => {
    const created = await write("src/deep/a.ts", "one");
    expect(created.text).toBe("created blog/src/deep/a.ts, 3 bytes");
    expect(created.structured).toMatchObject({ created: true, size: 3, change: "1" });
    const written = await write("src/deep/a.ts", "two");
    expect(written.text).toMatch(/^written/);
    const same = await write("src/deep/a.ts", "two");
    expect(same.text).toMatch(/^unchanged/);
    expect(same.structured.change).toBeUndefined();
    expect(text("src/deep/a.ts")).toBe("two");
  });

  test("if_match lets one of two win, and tells the other who it was", async () => {
    const { structured } = await write("a", "one");
    await write("a", "two", { if_match: structured.etag }, { user: "ann" });
    await expect(write("a", "three", { if_match: structured.etag })).rejects.toThrow(
      /has changed since you read it \(last by ann with write_code at .*\): its etag is now/,
    );
    expect(text("a")).toBe("two");
    put("a", "by hand");
    await expect(write("a", "x", { if_match: structured.etag })).rejects.toThrow(
      /outside this server/,
    );
    await expect(write("none", "x", { if_match: "e" })).rejects.toThrow(/does not exist/);
  });

  test("create_only touches nothing that is there", async () => {
    await write("a", "one", { create_only: true });
    await expect(write("a", "two", { create_only: true })).rejects.toThrow(/exists already/);
    expect(text("a")).toBe("one");
  });

  test("takes base64, and refuses what is none", async () => {
    await write("a.bin", Buffer.from([0, 255, 10]).toString("base64"), { encoding: "base64" });
    expect(readFileSync(opened.at("blog/a.bin"))).toEqual(Buffer.from([0, 255, 10]));
    await expect(write("b", "not base64!", { encoding: "base64" })).rejects.toThrow(/not base64/);
  });

  test("records the language in project.json, and keeps what is there", async () => {
    put("project.json", '{"name":"Blog","description":"d","ai_managed":true,"other":1}');
    await write("src/a.py", "print()", { language: "python" });
    expect(JSON.parse(text("project.json"))).toMatchObject({
      name: "Blog",
      other: 1,
      languages: { "src/a.py": "python" },
    });
  });

  test("refuses what no file may hold", async () => {
    await expect(write("a", "x".repeat(limits.write + 1))).rejects.toThrow(/more than the/);
    await expect(write("a", "\ud800")).rejects.toThrow(/half a Unicode/);
    await expect(write(".git/hooks/x", "x")).rejects.toThrow(/belongs to git/);
    await expect(
      run(opened, writeCode, { project: "shop", path: "a", content: "" }),
    ).rejects.toThrow(/no project "shop"/);
  });
});

describe("edit_code", () => {
  test("replaces unique pieces in order, and shows the diff", async () => {
    put("a", "one\ntwo\nthree\n");
    const { text: diff, structured } = await edit("a", [
      { old_text: "two", new_text: "2" },
      { old_text: "2\nthree", new_text: "2\n3" },
    ]);
    expect(text("a")).toBe("one\n2\n3\n");
    expect(diff).toContain("-two\n-three\n+2\n+3");
    expect(structured).toMatchObject({ replacements: 2, written: true, change: "1" });
  });

  test("is all or nothing", async () => {
    put("a", "one two");
    await expect(
      edit("a", [
        { old_text: "one", new_text: "1" },
        { old_text: "three", new_text: "3" },
      ]),
    ).rejects.toThrow(/Edit 2 of 2: old_text does not occur/);
    expect(text("a")).toBe("one two");
  });

  test("refuses an ambiguous piece with its lines; counts and replaces all on request", async () => {
    put("a", "x\ny\nx\nx\n");
    const x = { old_text: "x", new_text: "z" };
    await expect(edit("a", [x])).rejects.toThrow(/occurs 3 times .*\(lines 1, 3, 4\), not 1/);
    await expect(edit("a", [{ ...x, expected_count: 2 }])).rejects.toThrow(/not 2/);
    await edit("a", [{ ...x, expected_count: 3 }]);
    expect(text("a")).toBe("z\ny\nz\nz\n");
    await edit("a", [{ old_text: "z", new_text: "x", replace_all: true }]);
    expect(text("a")).toBe("x\ny\nx\nx\n");
  });

  test("keeps CRLF, a byte order mark and the rest of a mixed file", async () => {
    put("crlf", "\ufeffa\r\nb\r\nc\r\n");
    await edit("crlf", [{ old_text: "a\nb", new_text: "a\nnew\nb" }]);
    expect(text("crlf")).toBe("\ufeffa\r\nnew\r\nb\r\nc\r\n");
    await edit("crlf", [{ old_text: "c", new_text: "c\nd" }]);
    expect(text("crlf")).toBe("\ufeffa\r\nnew\r\nb\r\nc\r\nd\r\n");
    await edit("crlf", [{ old_text: "\nd", new_text: "" }]);
    expect(text("crlf")).toBe("\ufeffa\r\nnew\r\nb\r\nc\r\n");
    put("one", "a\r\n");
    await edit("one", [
      { old_text: "a\n", new_text: "a" },
      { old_text: "a", new_text: "\na" },
    ]);
    expect(text("one")).toBe("\r\na");
    put("mixed", "a\r\nb\nc\r\n");
    await edit("mixed", [{ old_text: "b", new_text: "B\nB" }]);
    expect(text("mixed")).toBe("a\r\nB\nB\nc\r\n");
  });

  test("a dry run changes nothing", async () => {
    put("a", "one");
    const { structured, text: diff } = await edit("a", [{ old_text: "one", new_text: "two" }], {
      dry_run: true,
    });
    expect(diff).toContain("+two");
    expect(structured.written).toBe(false);
    expect(text("a")).toBe("one");
  });

  test.each([
    ["if (x)  {", /Line 2 differs from it in white space only/],
    ["if (x) {\n  nothing", /Its first line is in line 2; what follows differs/],
    ["2\tif (x) {", /line number as read_code shows them/],
    ["elsewhere", /Read the file again/],
    [" \n", /white space only/],
  ])("%j: hints at what was meant", async (old_text, message) => {
    put("a.ts", "\nif (x) {\n  y();\n}\n");
    await expect(edit("a.ts", [{ old_text, new_text: "" }])).rejects.toThrow(message);
  });

  test("many edits of one file at once are all kept", async () => {
    put("a", Array.from({ length: 20 }, (_none, index) => `line ${index};\n`).join(""));
    await Promise.all(
      Array.from({ length: 20 }, (_none, index) =>
        edit("a", [{ old_text: `line ${index};`, new_text: `done ${index};` }]),
      ),
    );
    expect(text("a").match(/done/g)).toHaveLength(20);
  });

  test("refuses what is no text or not there", async () => {
    writeFileSync(opened.at("blog/b"), Buffer.from([0, 1]));
    await expect(edit("b", [{ old_text: "x", new_text: "" }])).rejects.toThrow(/not UTF-8/);
    await expect(edit("none", [{ old_text: "x", new_text: "" }])).rejects.toThrow(/does not exist/);
  });
});

import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "../../src/limits.ts";
import { readCode } from "../../src/tools/read_code.ts";
import { readMany } from "../../src/tools/read_many.ts";
import { type Opened, openWorkspace } from "../workspace/opened.ts";
import { run } from "./running.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const put = (path: string, content: string | Buffer) =>
  writeFileSync(opened.at(`blog/${path}`), content);
const read = (path: string, more: object = {}) =>
  run(opened, readCode, { project: "blog", path, ...more });
const sha = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

describe("read_code", () => {
  test("gives lines with their numbers, and what a writer needs to know", async () => {
    put("a.ts", "one\ntwo\nthree");
    const { text, structured } = await read("a.ts");
    expect(text).toBe("1\tone\n2\ttwo\n3\tthree");
    expect(structured).toEqual({
      etag: sha("one\ntwo\nthree"),
      size: 13,
      total_lines: 3,
      first_line: 1,
      last_line: 3,
      line_ending: "lf",
    });
  });

  test("gives the bytes as they are without numbers", async () => {
    put("a.txt", "\ufeffone\r\ntwo\r\n");
    const { text, structured } = await read("a.txt", { line_numbers: false });
    expect(text).toBe("\ufeffone\r\ntwo\r\n");
    expect(structured).toMatchObject({ total_lines: 2, line_ending: "crlf" });
  });

  test.each([
    ["small", 100],
    ["large", 20_000],
  ])("pages through a %s file", async (_name, count) => {
    const all = Array.from({ length: count }, (_none, index) => `line ${index + 1}\n`).join("");
    put("a.txt", all);
    let joined = "";
    let offset: number | undefined = 1;
    for (let page = 0; offset !== undefined; page++) {
      expect(page).toBeLessThan(20);
      const { content, structured } = await read("a.txt", {
        offset,
        limit: count / 5,
        line_numbers: false,
      });
      joined += content[0]?.text;
      expect(structured).toMatchObject({ total_lines: count, etag: sha(all) });
      offset = structured.next_offset as number | undefined;
      if (offset !== undefined) expect(content[1]?.text).toContain(`of ${count}; go on with`);
    }
    expect(joined).toBe(all);
  });

  test("an empty file has no lines", async () => {
    put("empty", "");
    const { text, structured } = await read("empty");
    expect(text).toBe("");
    expect(structured).toMatchObject({ total_lines: 0, size: 0 });
    expect(structured.first_line).toBeUndefined();
  });

  test("answers whole lines only, and the beginning of one that is too long", async () => {
    const line = `${"x".repeat(100_000)}\n`;
    put("wide", line.repeat(5));
    const { structured } = await read("wide");
    expect(structured).toMatchObject({ first_line: 1, last_line: 2, next_offset: 3 });
    put("one", `é${"y".repeat(1_000_000)}\nend\n`);
    const long = await read("one", { line_numbers: false });
    expect(long.content[0]?.text).toHaveLength(limits.readText - 1);
    expect(long.text).toMatch(/line 1 is longer than/);
    expect(long.structured).toMatchObject({ total_lines: 2, next_offset: 2 });
  });

  test("gives binary files as base64, whole or in parts, pictures as pictures", async () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_none, index) => index % 256));
    put("a.png", bytes);
    await expect(read("a.png")).rejects.toThrow(/not UTF-8 text.*base64/);
    const whole = await read("a.png", { encoding: "base64" });
    expect(whole.content).toEqual([
      { type: "image", data: bytes.toString("base64"), mimeType: "image/png" },
    ]);
    expect(whole.structured).toEqual({ etag: sha(bytes), size: 1000 });
    const part = await read("a.png", { encoding: "base64", offset: 990, limit: 100 });
    expect(Buffer.from(part.text, "base64")).toEqual(bytes.subarray(990));
    put("a.bin", Buffer.alloc(limits.readBinary + 1));
    await expect(read("a.bin", { encoding: "base64" })).rejects.toThrow(/parts with offset/);
    const first = await read("a.bin", { encoding: "base64", limit: 10 });
    expect(first.structured.next_offset).toBe(10);
  });

  test.each([
    ["missing.txt", {}, /"missing.txt" does not exist/],
    ["src", {}, /is a (directory|folder)/],
    ["link", {}, /symbolic link/],
    ["../x", {}, /goes up/],
    ["a.txt", { offset: 9 }, /has 1 lines; there is no line 9/],
    ["a.txt", { offset: 9, encoding: "base64" }, /has 1 bytes, no byte 9/],
    ["latin1.txt", {}, /not UTF-8 text/],
  ])("%s %j: says what is wrong", async (path, more, message) => {
    mkdirSync(opened.at("blog/src"));
    put("a.txt", "a");
    put("latin1.txt", Buffer.from([0x63, 0xe9]));
    symlinkSync("a.txt", opened.at("blog/link"));
    await expect(read(path, more)).rejects.toThrow(message);
  });

  test("a missing project is named as such", async () => {
    await expect(run(opened, readCode, { project: "shop", path: "a" })).rejects.toThrow(
      'no project "shop"; known: blog',
    );
  });
});

describe("read_many", () => {
  test.each(["\0", "a\0b", "../blog", "blog/../.."])("%j is no project", async (project) => {
    const reading = run(opened, readMany, { project, paths: ["a"] });
    await expect(reading).rejects.toThrow(/no project|NUL/);
  });

  test("reads in order, within a budget, past what cannot be read", async () => {
    put("a", "aaaa");
    put("b", "b".repeat(100));
    put("c", "cc");
    const { text, structured } = await run(opened, readMany, {
      project: "blog",
      paths: ["a", "missing", "b", "c", "../x"],
      budget: 50,
    });
    expect(text).toMatch(/==> a <==\naaaa\n==> missing <==\n\[.*does not exist/);
    expect(text).toMatch(/==> b <==\n\[left out: 100 bytes, and 46 of the budget are left/);
    expect(text).toMatch(/==> c <==\ncc\n==> \.\.\/x <==\n\[.*goes up/);
    expect(structured).toMatchObject({
      bytes: 6,
      files: [{ path: "a", etag: sha("aaaa") }, {}, {}, { path: "c" }, {}],
    });
  });
});

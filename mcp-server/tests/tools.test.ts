/** What each tool does to real files. */
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callError, callOk, type Serving, serve } from "./serving.ts";

let serving: Serving;
let client: Client;
beforeAll(async () => {
  serving = await serve();
  client = await serving.connect();
});
afterAll(() => serving.stop());

const at = (path: string) => join(serving.workspace, path);
const put = async (path: string, content: string | Uint8Array) => {
  await mkdir(join(at(path), ".."), { recursive: true });
  await writeFile(at(path), content);
};
const text = (path: string) => readFile(at(path), "utf8");

describe("write_file", () => {
  it("makes a file and the directories above it", async () => {
    const { structured } = await callOk(client, "write_file", {
      path: "w/a/b.txt",
      content: "ü\n",
    });
    expect(structured).toEqual({ path: "w/a/b.txt", size: 3, created: true });
    expect(await text("w/a/b.txt")).toBe("ü\n");
  });
  it("replaces the content, keeps the mode, leaves nothing else behind", async () => {
    await put("w/run.sh", "old");
    await chmod(at("w/run.sh"), 0o750);
    const { structured } = await callOk(client, "write_file", { path: "w/run.sh", content: "new" });
    expect(structured).toMatchObject({ created: false });
    expect((await stat(at("w/run.sh"))).mode & 0o777).toBe(0o750);
    expect((await readdir(at("w"))).sort()).toEqual(["a", "run.sh"]);
  });
  it("does not overwrite when told not to", async () => {
    expect(
      await callError(client, "write_file", { path: "w/run.sh", content: "x", overwrite: false }),
    ).toMatch(/exists already/);
    expect(await text("w/run.sh")).toBe("new");
  });
  it("writes bytes from base64, and only from base64", async () => {
    const bytes = Buffer.from([0, 255, 1, 128]);
    await callOk(client, "write_file", {
      path: "w/x.bin",
      content: bytes.toString("base64"),
      encoding: "base64",
    });
    expect(await readFile(at("w/x.bin"))).toEqual(bytes);
    expect(
      await callError(client, "write_file", { path: "w/x.bin", content: "%%", encoding: "base64" }),
    ).toMatch(/not base64/);
  });
  it("refuses what is too large, a directory, and an unknown argument", async () => {
    const large = "x".repeat(8 * 1024 * 1024 + 1);
    expect(await callError(client, "write_file", { path: "w/large", content: large })).toMatch(
      /8388608/,
    );
    expect(await callError(client, "write_file", { path: "w/a", content: "x" })).toMatch(
      /a directory/,
    );
    expect(await callError(client, "write_file", { path: "w/a/", content: "x" })).toMatch(
      /directory/,
    );
    expect(
      await callError(client, "write_file", { path: "w/y", content: "x", mode: "append" }),
    ).toMatch(/mode/);
    expect(await callError(client, "write_file", { path: "w/run.sh/y", content: "x" })).toMatch(
      /as if it were/,
    );
  });
});

describe("read_file", () => {
  beforeAll(() =>
    put("r/ten.txt", Array.from({ length: 10 }, (_, i) => `line ${i + 1}\n`).join("")),
  );

  it("reads all", async () => {
    const { text: content, structured } = await callOk(client, "read_file", { path: "r/ten.txt" });
    expect(content).toBe(await text("r/ten.txt"));
    expect(structured).toEqual({
      path: "r/ten.txt",
      size: 71,
      firstLine: 1,
      lastLine: 10,
      totalLines: 10,
      lineEnding: "lf",
    });
  });
  it("reads some lines and says where to go on", async () => {
    const { text: content, structured } = await callOk(client, "read_file", {
      path: "r/ten.txt",
      offset: 3,
      limit: 2,
    });
    expect(content).toBe("line 3\nline 4\n");
    expect(structured).toMatchObject({ firstLine: 3, lastLine: 4, totalLines: 10, nextOffset: 5 });
  });
  it("says when there is no such line", async () => {
    expect(await callError(client, "read_file", { path: "r/ten.txt", offset: 11 })).toMatch(
      /has 10 lines/,
    );
  });
  it("cuts a long file at a whole line and can be read on to the end", async () => {
    const whole = Array.from({ length: 9000 }, (_, i) => `${i} ${"é".repeat(i % 90)}`).join("\n");
    await put("r/long.txt", whole);
    let read = "";
    let offset: number | undefined = 1;
    let answers = 0;
    while (offset !== undefined) {
      const { text: content, structured } = await callOk(client, "read_file", {
        path: "r/long.txt",
        offset,
      });
      expect(Buffer.byteLength(content)).toBeLessThanOrEqual(256 * 1024);
      read += content;
      offset = structured.nextOffset as number | undefined;
      answers++;
    }
    expect(answers).toBeGreaterThan(3);
    expect(read).toBe(whole);
  });
  it("gives back a line that no longer fits, also when it spans many pieces", async () => {
    const whole = `${"a".repeat(100_000)}\n${"b".repeat(150_000)}\n${"c".repeat(200_000)}\nend`;
    await put("r/wide.txt", whole);
    const first = await callOk(client, "read_file", { path: "r/wide.txt" });
    expect(first.structured).toMatchObject({ lastLine: 2, totalLines: 4, nextOffset: 3 });
    const rest = await callOk(client, "read_file", { path: "r/wide.txt", offset: 3 });
    expect(first.text + rest.text).toBe(whole);
    await put("r/one.txt", "x".repeat(300_000));
    expect(await callError(client, "read_file", { path: "r/one.txt" })).toMatch(/longer than/);
  });
  it("reads an empty file", async () => {
    await put("r/empty", "");
    const { text: content, structured } = await callOk(client, "read_file", { path: "r/empty" });
    expect(content).toBe("");
    expect(structured).toEqual({ path: "r/empty", size: 0, totalLines: 0, lineEnding: "none" });
  });
  it("does not pass bytes off as text", async () => {
    const bytes = Buffer.from([0x89, 0x50, 0, 1, 2]);
    await put("r/x.png", bytes);
    await put("r/latin1.txt", Buffer.from([0x66, 0xfc, 0x72]));
    expect(await callError(client, "read_file", { path: "r/x.png" })).toMatch(
      /not UTF-8 text.*base64/,
    );
    expect(await callError(client, "read_file", { path: "r/latin1.txt" })).toMatch(
      /not UTF-8 text/,
    );
    const { text: content } = await callOk(client, "read_file", {
      path: "r/x.png",
      encoding: "base64",
    });
    expect(Buffer.from(content, "base64")).toEqual(bytes);
  });
  it("says what is wrong with a path", async () => {
    expect(await callError(client, "read_file", { path: "r/none" })).toMatch(
      /"r\/none" does not exist/,
    );
    expect(await callError(client, "read_file", { path: "r" })).toMatch(/is a directory/);
  });
});

describe("edit_file", () => {
  it("replaces one exact piece and shows the difference", async () => {
    await put("e/a.ts", "one\ntwo\nthree\n");
    const { text: diff, structured } = await callOk(client, "edit_file", {
      path: "e/a.ts",
      edits: [{ oldText: "two", newText: "2" }],
    });
    expect(await text("e/a.ts")).toBe("one\n2\nthree\n");
    expect(diff).toBe("--- a/e/a.ts\n+++ b/e/a.ts\n@@ -1,4 +1,4 @@\n one\n-two\n+2\n three\n \n");
    expect(structured).toEqual({ path: "e/a.ts", replacements: 1, written: true, size: 12 });
  });
  it("changes nothing on a dry run", async () => {
    const { text: diff } = await callOk(client, "edit_file", {
      path: "e/a.ts",
      edits: [{ oldText: "one", newText: "1" }],
      dryRun: true,
    });
    expect(diff).toContain("-one\n+1");
    expect(await text("e/a.ts")).toBe("one\n2\nthree\n");
  });
  it("refuses a piece that is not unique, naming the lines", async () => {
    await put("e/b.ts", "x = 1\ny = 1\nx = 1\n");
    const edits = [{ oldText: "x = 1", newText: "x = 2" }];
    expect(await callError(client, "edit_file", { path: "e/b.ts", edits })).toMatch(
      /2 times.*lines 1, 3/,
    );
    await callOk(client, "edit_file", {
      path: "e/b.ts",
      edits: [{ ...edits[0], replaceAll: true }],
    });
    expect(await text("e/b.ts")).toBe("x = 2\ny = 1\nx = 2\n");
  });
  it("does all edits or none", async () => {
    await put("e/c.ts", "a\nb\n");
    const edits = [
      { oldText: "a", newText: "A" },
      { oldText: "nowhere", newText: "" },
    ];
    expect(await callError(client, "edit_file", { path: "e/c.ts", edits })).toMatch(/^Edit 2 of 2/);
    expect(await text("e/c.ts")).toBe("a\nb\n");
  });
  it("points at a place that differs in white space only", async () => {
    await put("e/d.ts", "head\n\tif (x) {\n\t\treturn;\n");
    const edits = [{ oldText: "  if (x) {\n    return;", newText: "" }];
    expect(await callError(client, "edit_file", { path: "e/d.ts", edits })).toMatch(
      /Line 2 differs.*white space/,
    );
  });
  it("keeps CRLF and the byte order mark", async () => {
    await put("e/crlf.txt", "\ufeffa\r\nb\r\nc\r\n");
    await callOk(client, "edit_file", {
      path: "e/crlf.txt",
      edits: [{ oldText: "a\nb", newText: "a\nB\nB2" }],
    });
    expect(await text("e/crlf.txt")).toBe("\ufeffa\r\nB\r\nB2\r\nc\r\n");
    await callOk(client, "edit_file", {
      path: "e/crlf.txt",
      edits: [{ oldText: "c", newText: "c\nd" }],
    });
    expect(await text("e/crlf.txt")).toBe("\ufeffa\r\nB\r\nB2\r\nc\r\nd\r\n");
    await put("e/lf.txt", "a\nb\n");
    await callOk(client, "edit_file", {
      path: "e/lf.txt",
      edits: [{ oldText: "a", newText: "a\r\n" }],
    });
    expect(await text("e/lf.txt")).toBe("a\r\n\nb\n");
  });
  it("takes dollar signs as they are", async () => {
    await put("e/dollar", "price");
    await callOk(client, "edit_file", {
      path: "e/dollar",
      edits: [{ oldText: "price", newText: "$& $1 $$" }],
    });
    expect(await text("e/dollar")).toBe("$& $1 $$");
  });
  it("keeps every one of many edits of one file at a time, by whatever name", async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `<${i}>`);
    await put("e/many.txt", lines.join("\n"));
    await symlink("many.txt", at("e/alias.txt"));
    const clients = [client, await serving.connect("legacy"), await serving.connect()];
    await Promise.all(
      lines.map((line, i) =>
        callOk(clients[i % clients.length] as Client, "edit_file", {
          path: ["e/many.txt", "e/alias.txt", "./e/../e/many.txt"][i % 3],
          edits: [{ oldText: line, newText: `done ${i}.` }],
        }),
      ),
    );
    expect(await text("e/many.txt")).toBe(lines.map((_, i) => `done ${i}.`).join("\n"));
  });
});

describe("list_directory", () => {
  it("lists in the order of names, page by page", async () => {
    for (const name of ["b", "a", "c"]) await put(`l/${name}`, name);
    await mkdir(at("l/dir"));
    await symlink("a", at("l/link"));
    const { structured } = await callOk(client, "list_directory", { path: "l" });
    const entries = structured.entries as { name: string; type: string; size?: number }[];
    expect(entries.map(({ name, type, size }) => [name, type, size])).toEqual([
      ["a", "file", 1],
      ["b", "file", 1],
      ["c", "file", 1],
      ["dir", "directory", undefined],
      ["link", "link", undefined],
    ]);
    const page = await callOk(client, "list_directory", { path: "l", offset: 1, limit: 2 });
    expect(page.structured).toMatchObject({
      total: 5,
      nextOffset: 3,
      entries: [{ name: "b" }, { name: "c" }],
    });
    expect(JSON.parse(page.text)).toEqual(page.structured);
  });
  it("lists the workspace by default and by any name for it", async () => {
    for (const path of [undefined, ".", "/", "", "l/.."]) {
      const { structured } = await callOk(
        client,
        "list_directory",
        path === undefined ? {} : { path },
      );
      expect(structured.path).toBe(".");
    }
  });
  it("says when it is a file", async () => {
    expect(await callError(client, "list_directory", { path: "l/a" })).toMatch(
      /as if it were a directory/,
    );
  });
});

describe("create_directory", () => {
  it("makes what is missing and tells it, again and again", async () => {
    expect((await callOk(client, "create_directory", { path: "c/x/y" })).structured).toEqual({
      path: "c/x/y",
      created: ["c", "c/x", "c/x/y"],
    });
    expect((await callOk(client, "create_directory", { path: "c/x/y" })).structured).toMatchObject({
      created: [],
    });
    await Promise.all(
      Array.from({ length: 8 }, () => callOk(client, "create_directory", { path: "c/p/q/r" })),
    );
    expect((await stat(at("c/p/q/r"))).isDirectory()).toBe(true);
  });
});

describe("move_file", () => {
  it("moves a file and a directory, making what is above", async () => {
    await put("m/d/a", "a");
    await callOk(client, "move_file", { source: "m/d/a", destination: "m/n/e/w" });
    expect(await text("m/n/e/w")).toBe("a");
    await callOk(client, "move_file", { source: "m/n", destination: "m/o" });
    expect(await text("m/o/e/w")).toBe("a");
  });
  it("replaces a file only when told to, a directory never", async () => {
    await put("m/1", "1");
    await put("m/2", "2");
    expect(await callError(client, "move_file", { source: "m/1", destination: "m/2" })).toMatch(
      /exists already/,
    );
    expect(await text("m/2")).toBe("2");
    const { structured } = await callOk(client, "move_file", {
      source: "m/1",
      destination: "m/2",
      overwrite: true,
    });
    expect(structured).toMatchObject({ replaced: true });
    expect(await text("m/2")).toBe("1");
    expect(
      await callError(client, "move_file", { source: "m/2", destination: "m/o", overwrite: true }),
    ).toMatch(/whole new path/);
  });
  it("says which of both is wrong", async () => {
    expect(await callError(client, "move_file", { source: "m/none", destination: "m/3" })).toMatch(
      /"m\/none" does/,
    );
    expect(await callError(client, "move_file", { source: "m/o", destination: "m/o/in" })).toMatch(
      /into itself/,
    );
    expect(await callError(client, "move_file", { source: ".", destination: "m/3" })).toMatch(
      /workspace itself/,
    );
  });
});

describe("delete_file", () => {
  it("deletes a file, an empty directory, and a full one only when told to", async () => {
    await put("d/full/a/b", "x");
    await mkdir(at("d/empty"));
    expect((await callOk(client, "delete_file", { path: "d/empty" })).structured).toMatchObject({
      deleted: 1,
    });
    expect(await callError(client, "delete_file", { path: "d/full" })).toMatch(
      /not empty.*recursive/,
    );
    expect(
      (await callOk(client, "delete_file", { path: "d/full", recursive: true })).structured,
    ).toMatchObject({
      deleted: 3,
    });
    expect(await readdir(at("d"))).toEqual([]);
  });
  it("never deletes the workspace", async () => {
    for (const path of [".", "/", "d/.."]) {
      expect(await callError(client, "delete_file", { path, recursive: true })).toMatch(
        /workspace itself/,
      );
    }
  });
});

describe("search_files", () => {
  beforeAll(async () => {
    await put("s/src/a.ts", "const Needle = 1;\nother\nneedle needle\n");
    await put("s/src/deep/b.js", "needle\r\n");
    await put("s/src/.hidden.ts", "");
    await put("s/node_modules/x/c.ts", "needle");
    await put("s/bin.dat", Buffer.from("needle\0"));
  });
  const paths = async (args: Record<string, unknown>) => {
    const { structured } = await callOk(client, "search_files", { path: "s", ...args });
    return (structured.matches as { path: string; line?: number }[]).map(({ path, line }) =>
      line === undefined ? path : `${path}:${line}`,
    );
  };
  it("finds by name", async () => {
    expect(await paths({ glob: "*.ts" })).toEqual(["s/src/.hidden.ts", "s/src/a.ts"]);
    expect(await paths({ glob: "src/**/*.{ts,js}" })).toEqual([
      "s/src/.hidden.ts",
      "s/src/a.ts",
      "s/src/deep/b.js",
    ]);
    expect(await paths({ glob: "[!.]*.[jt]s" })).toEqual(["s/src/a.ts", "s/src/deep/b.js"]);
    expect(await paths({ glob: "src/?.ts" })).toEqual(["s/src/a.ts"]);
    expect(await paths({ glob: "deep" })).toEqual(["s/src/deep"]);
  });
  it("finds by text, not in binaries nor in what machines made", async () => {
    expect(await paths({ text: "needle" })).toEqual(["s/src/a.ts:3", "s/src/deep/b.js:1"]);
    expect(await paths({ text: "NEEDLE", ignoreCase: true, glob: "*.ts" })).toEqual([
      "s/src/a.ts:1",
      "s/src/a.ts:3",
    ]);
    expect(await paths({ text: "needle", path: "s/node_modules" })).toEqual([
      "s/node_modules/x/c.ts:1",
    ]);
    const { structured } = await callOk(client, "search_files", {
      path: "s/src/deep",
      text: "need",
    });
    expect(structured).toMatchObject({ matches: [{ line: 1, text: "needle" }], truncated: false });
  });
  it("stops at the limit and says so", async () => {
    const { structured } = await callOk(client, "search_files", {
      path: "s",
      text: "needle",
      limit: 1,
    });
    expect(structured).toMatchObject({ truncated: true });
    expect(structured.matches).toHaveLength(1);
  });
  it("cannot be hung by a glob", async () => {
    await put(`s/${"a".repeat(200)}`, "");
    expect(await paths({ glob: `${"*a".repeat(100)}b` })).toEqual([]);
    expect(await callError(client, "search_files", { glob: "{a,b}".repeat(20) })).toMatch(
      /100 patterns/,
    );
  });
  it("wants something to look for", async () => {
    expect(await callError(client, "search_files", { path: "s" })).toMatch(/glob, text/);
  });
});

describe("file_info", () => {
  it("tells about a file, a directory, a link and the workspace", async () => {
    await put("i/f", "12345");
    await chmod(at("i/f"), 0o640);
    await symlink("f", at("i/l"));
    expect((await callOk(client, "file_info", { path: "i/f" })).structured).toMatchObject({
      type: "file",
      size: 5,
      mode: "0640",
    });
    expect((await callOk(client, "file_info", { path: "i/l" })).structured).toMatchObject({
      type: "link",
      target: "f",
    });
    expect((await callOk(client, "file_info", { path: "i" })).structured).toMatchObject({
      type: "directory",
    });
    expect((await callOk(client, "file_info", { path: "." })).structured).toMatchObject({
      path: ".",
    });
    expect(await callError(client, "file_info", { path: "i/none" })).toMatch(/does not exist/);
  });
});

it("carries bytes through write and read unchanged", async () => {
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256));
  await callOk(client, "write_file", {
    path: "bytes",
    content: bytes.toString("base64"),
    encoding: "base64",
  });
  const { text: back } = await callOk(client, "read_file", { path: "bytes", encoding: "base64" });
  const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");
  expect(digest(Buffer.from(back, "base64"))).toBe(digest(bytes));
});

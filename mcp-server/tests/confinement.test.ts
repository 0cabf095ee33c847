/** No tool reaches anything outside the workspace, by no path and no link; races are in torture/races.test.ts. */
import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ProtocolServing, serveProtocol } from "./protocol-serving.ts";

let serving: ProtocolServing;
let client: Client;
let outside: string;
const secret = "the secret outside";
const project = "blog";

beforeAll(async () => {
  serving = await serveProtocol();
  client = await serving.connect();
  outside = join(dirname(serving.workspace), "outside");
  mkdirSync(join(outside, "folder"), { recursive: true });
  writeFileSync(join(outside, "secret.txt"), secret);
  writeFileSync(join(outside, "folder", "kept.txt"), "kept");
  serving.put("blog/sub/own.txt", "own");
  const link = (target: string, name: string) =>
    symlinkSync(target, join(serving.workspace, "blog", name));
  link(join(outside, "secret.txt"), "file-link");
  link(outside, "dir-link");
  link("../../../outside", "sub/relative-link");
  link("dir-link", "chain");
  link(join(outside, "new.txt"), "dangling");
  link("loop", "loop");
  link("sub/own.txt", "inner-link");
  linkSync(join(outside, "secret.txt"), join(serving.workspace, "blog", "hard-link"));
});
afterAll(() => serving.stop());

async function call(name: string, args: Record<string, unknown>) {
  const { isError, content } = await client.callTool({ name, arguments: { project, ...args } });
  return { isError: isError === true, text: JSON.stringify(content) };
}

const ways = [
  "../../outside/secret.txt",
  "sub/../../../outside/secret.txt",
  "..",
  "/etc/passwd",
  "//etc/passwd",
  "file-link",
  "dir-link/secret.txt",
  "sub/relative-link/secret.txt",
  "chain/secret.txt",
  "dir-link/folder",
  "chain/../../outside/secret.txt",
  "dir-link/./folder/../secret.txt",
  "hard-link",
  "inner-link",
  "\0",
  "sub/own.txt\0",
  "loop",
];

it.each(ways)("%j is refused by every tool", async (path) => {
  const edits = [{ old_text: "secret", new_text: "x" }];
  const patch = `--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-${secret}\n+x\n`;
  for (const [name, args] of [
    ["read_code", { path }],
    ["read_code", { path, encoding: "base64" }],
    ["list_files", { path }],
    ["tree", { path }],
    ["find_files", { path, glob: "*" }],
    ["search_code", { path, query: "e" }],
    ["edit_code", { path, edits }],
    ["apply_patch", { patch }],
    ["copy", { from: path, to: "copied" }],
    ["make_directory", { path: `${path}/new` }],
    ["write_code", { path: `${path}/new`, content: "x" }],
  ] as const) {
    const answer = await call(name, args);
    expect(answer.isError, `${name} ${path}: ${answer.text}`).toBe(true);
    expect(answer.text).not.toContain(outside);
  }
  const many = await call("read_many", { paths: [path] });
  expect(many.text).not.toContain(secret);
});

it.each([
  "../../outside/x",
  "dir-link/x",
  "sub/relative-link/x",
  "chain/deep/x",
  "dangling",
  "/tmp/x",
])("nothing is made at %j", async (path) => {
  for (const [name, args] of [
    ["write_code", { path, content: "x" }],
    ["make_directory", { path }],
    ["move", { from: "sub/own.txt", to: `${path}/y` }],
    ["copy", { from: "sub/own.txt", to: path }],
  ] as const)
    expect((await call(name, args)).isError, name).toBe(true);
  expect(readdirSync(outside).sort()).toEqual(["folder", "secret.txt"]);
  expect(readFileSync(join(serving.workspace, "blog/sub/own.txt"), "utf8")).toBe("own");
});

it("a link out is deleted and moved itself, never what it leads to", async () => {
  symlinkSync(outside, join(serving.workspace, "blog/throwaway"));
  expect(await call("move", { from: "throwaway", to: "moved" })).toMatchObject({ isError: false });
  expect(await call("delete", { path: "moved" })).toMatchObject({ isError: false });
  expect((await call("delete", { path: "dir-link/secret.txt" })).isError).toBe(true);
  mkdirSync(join(serving.workspace, "blog/tree"));
  symlinkSync(outside, join(serving.workspace, "blog/tree/link"));
  expect(await call("delete", { path: "tree", recursive: true })).toMatchObject({ isError: false });
  expect(readFileSync(join(outside, "folder/kept.txt"), "utf8")).toBe("kept");
  expect(readFileSync(join(outside, "secret.txt"), "utf8")).toBe(secret);
});

it("searches and lists follow no link out", async () => {
  for (const [name, args] of [
    ["search_code", { query: secret }],
    ["find_files", { glob: "secret.txt", include_ignored: true }],
    ["tree", {}],
  ] as const)
    expect((await call(name, args)).text).not.toMatch(/secret.txt|kept.txt|the secret/);
});

it("a pipe does not make anybody wait", async () => {
  execFileSync("mkfifo", [join(serving.workspace, "blog/pipe")]);
  expect((await call("read_code", { path: "pipe" })).text).toMatch(/device, socket or pipe/);
  expect((await call("search_code", { query: "x" })).isError).toBe(false);
  expect((await call("write_code", { path: "pipe", content: "x" })).isError).toBe(true);
});

/** No tool reaches anything outside the workspace, by no path and no link, not even one swapped in meanwhile. */
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { call, callError, callOk, type Serving, serve } from "./serving.ts";

let serving: Serving;
let client: Client;
const secret = "the secret outside";

beforeAll(async () => {
  serving = await serve();
  client = await serving.connect();
  await writeFile(join(serving.outside, "secret.txt"), secret);
  await mkdir(join(serving.outside, "folder"));
  await writeFile(join(serving.outside, "folder", "kept.txt"), "kept");
  const inside = (name: string) => join(serving.workspace, name);
  await mkdir(inside("sub"));
  await writeFile(inside("sub/own.txt"), "own");
  await symlink(join(serving.outside, "secret.txt"), inside("file-link"));
  await symlink(serving.outside, inside("dir-link"));
  await symlink("../../outside", inside("sub/relative-link"));
  await symlink("dir-link", inside("chain"));
  await symlink(join(serving.outside, "new.txt"), inside("dangling"));
  await symlink("sub/own.txt", inside("good-link"));
  await symlink("sub", inside("good-dir"));
  await symlink("loop", inside("loop"));
});
afterAll(() => serving.stop());

const ways = [
  "../outside/secret.txt",
  "sub/../../outside/secret.txt",
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
  "\0",
  "sub/own.txt\0",
  "loop",
];

it.each(ways)("%j is refused by every tool", async (path) => {
  for (const [name, args] of [
    ["read_file", { path }],
    ["read_file", { path, encoding: "base64" }],
    ["list_directory", { path }],
    ["search_files", { path, text: "e" }],
    ["edit_file", { path, edits: [{ oldText: "secret", newText: "x" }] }],
  ] as const) {
    const answer = await call(client, name, args);
    expect(answer.isError, `${name} ${path}: ${answer.text}`).toBe(true);
    expect(answer.text).not.toContain(secret);
    expect(answer.text).not.toContain(serving.outside);
  }
});

it.each([
  "../outside/x",
  "dir-link/x",
  "sub/relative-link/x",
  "chain/x",
  "chain/deep/x",
  "dangling",
  "/tmp/x",
])("nothing is made at %j", async (path) => {
  await callError(client, "write_file", { path, content: "x" });
  await callError(client, "create_directory", { path });
  await callError(client, "move_file", { source: "sub/own.txt", destination: `${path}/y` });
  expect((await readdir(serving.outside)).sort()).toEqual(["folder", "secret.txt"]);
  expect(await readFile(join(serving.workspace, "sub/own.txt"), "utf8")).toBe("own");
});

it("a link out is deleted and moved itself, never what it leads to", async () => {
  await symlink(serving.outside, join(serving.workspace, "throwaway"));
  await callOk(client, "move_file", { source: "throwaway", destination: "moved" });
  await callOk(client, "delete_file", { path: "moved", recursive: true });
  await callError(client, "delete_file", { path: "dir-link/secret.txt" });
  await mkdir(join(serving.workspace, "tree"));
  await symlink(serving.outside, join(serving.workspace, "tree/link"));
  await callOk(client, "delete_file", { path: "tree", recursive: true });
  expect(await readFile(join(serving.outside, "folder/kept.txt"), "utf8")).toBe("kept");
  expect(await readFile(join(serving.outside, "secret.txt"), "utf8")).toBe(secret);
});

it("a search does not follow links out", async () => {
  expect((await callOk(client, "search_files", { text: secret })).structured).toMatchObject({
    matches: [],
  });
});

it("links that stay inside are followed, and stay links", async () => {
  expect((await callOk(client, "read_file", { path: "good-link" })).text).toBe("own");
  await callOk(client, "write_file", { path: "good-link", content: "written through" });
  expect(await readFile(join(serving.workspace, "sub/own.txt"), "utf8")).toBe("written through");
  expect((await callOk(client, "file_info", { path: "good-link" })).structured).toMatchObject({
    type: "link",
  });
  const { structured } = await callOk(client, "write_file", {
    path: "good-dir/more.txt",
    content: "",
  });
  expect(structured).toMatchObject({ path: "sub/more.txt" });
  await callOk(client, "write_file", { path: "sub/own.txt", content: "own" });
});

it("a pipe does not make a read wait", async () => {
  execFileSync("mkfifo", [join(serving.workspace, "pipe")]);
  expect(await callError(client, "read_file", { path: "pipe" })).toMatch(/pipe/);
  await callOk(client, "search_files", { text: "x" });
  await callError(client, "write_file", { path: "pipe", content: "x" });
});

it("a path that is swapped for a link out while calls run leads nowhere", async () => {
  const place = join(serving.workspace, "swap");
  const inside = join(serving.workspace, "swap-inside");
  await mkdir(inside);
  await writeFile(join(inside, "secret.txt"), "inside");
  await symlink(inside, place);
  let swapping = true;
  const swapper = (async () => {
    for (let turn = 0; swapping; turn++) {
      await symlink(turn % 2 === 0 ? serving.outside : inside, `${place}-next`);
      await rename(`${place}-next`, place);
    }
  })();
  let done = 0;
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    const answers = await Promise.all([
      call(client, "read_file", { path: "swap/secret.txt" }),
      call(client, "write_file", { path: "swap/secret.txt", content: "inside" }),
      call(client, "write_file", { path: `swap/new-${round}.txt`, content: "x" }),
      call(client, "create_directory", { path: `swap/dir-${round}` }),
      call(client, "delete_file", { path: `swap/dir-${round}` }),
    ]);
    for (const answer of answers) {
      expect(answer.text).not.toContain(secret);
      if (answer.isError) refused++;
      else done++;
    }
  }
  swapping = false;
  await swapper;
  expect(done).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
  expect(await readFile(join(serving.outside, "secret.txt"), "utf8")).toBe(secret);
  expect((await readdir(serving.outside)).sort()).toEqual(["folder", "secret.txt"]);
});

it("a file whose name looks like that of a deleted one is found", async () => {
  await callOk(client, "write_file", { path: "gone (deleted)", content: "here" });
  expect((await callOk(client, "read_file", { path: "gone (deleted)" })).structured).toMatchObject({
    path: "gone (deleted)",
  });
});

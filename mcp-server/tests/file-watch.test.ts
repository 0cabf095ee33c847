/** Telling of files that anybody changes, also when the system or the limits do not let all be watched. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { limits } from "../src/limits.ts";
import { FileWatch } from "../src/protocol/file-watch.ts";
import { Workspace } from "../src/workspace/workspace.ts";

let folder: string;
let workspace: Workspace;
let told: string[];
let watch: FileWatch;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
  mkdirSync(join(folder, "blog"));
  mkdirSync(join(folder, "shop"));
  workspace = await Workspace.open(folder);
  told = [];
  watch = new FileWatch(workspace, (path) => told.push(path));
});
afterEach(async () => {
  vi.restoreAllMocks();
  watch.close();
  await workspace.close();
  rmSync(folder, { recursive: true, force: true });
});

const change = (path: string, content: string) => writeFileSync(join(folder, path), content);
const hears = (...paths: string[]) => expect.poll(() => [...told].sort()).toEqual(paths);

/** What the system says when a process has too many files open. */
const tooMany = () => {
  throw Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
};

it("outlives that a file cannot be looked at, and tells of it later", async () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  change("blog/a.txt", "one");
  watch.add("blog/a.txt");
  const failing = vi.spyOn(workspace.files, "file").mockImplementation(tooMany);
  change("blog/a.txt", "changed");
  await expect.poll(() => failing.mock.calls.length).toBeGreaterThan(0);
  failing.mockRestore();
  await hears("blog/a.txt");
  expect(said.mock.calls.filter(([line]) => String(line).includes("EMFILE"))).toHaveLength(1);
});

it("outlives that a folder cannot be watched, and watches it later", async () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const failing = vi.spyOn(workspace.files, "directory").mockImplementation(tooMany);
  watch.add("blog/a.txt");
  expect(failing).toHaveBeenCalled();
  failing.mockRestore();
  const back = vi.spyOn(workspace.files, "directory");
  await expect.poll(() => back.mock.calls.length).toBeGreaterThan(0);
  change("blog/a.txt", "made");
  await hears("blog/a.txt");
});

it("watches what waited for room as soon as there is some", async () => {
  const ends = Array.from({ length: limits.watchedFiles }, (_, n) => watch.add(`blog/${n}`));
  watch.add("shop/waits.txt");
  change("shop/waits.txt", "made while it waits");
  ends[0]?.();
  await hears("shop/waits.txt");
  change("shop/waits.txt", "changed while it is watched");
  await hears("shop/waits.txt", "shop/waits.txt");
});

it("leaves one owner a share, so that others have room", async () => {
  const share = limits.watchedFiles / 5;
  const ends = Array.from({ length: share }, (_, n) => watch.add(`blog/${n}`, "greedy"));
  watch.add("shop/waits.txt", "greedy");
  watch.add("shop/other.txt", "modest");
  change("shop/waits.txt", "one");
  change("shop/other.txt", "one");
  await hears("shop/other.txt");
  for (const end of ends) end();
  await hears("shop/other.txt", "shop/waits.txt");
  expect(watch.size).toBe(2);
});

/** Telling of files that anybody changes, also when the system or the limits do not let all be watched. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
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
const hears = (...paths: string[]) =>
  vi.waitFor(() => expect([...told].sort()).toEqual(paths), { timeout: 5000 });

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
  await vi.waitFor(() => expect(failing).toHaveBeenCalled());
  failing.mockRestore();
  await hears("blog/a.txt");
  expect(said.mock.calls.filter(([line]) => String(line).includes("EMFILE"))).toHaveLength(1);
});

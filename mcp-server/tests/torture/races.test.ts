/**
 * Reads and writes while another process swaps the folders on their way for links that lead out. Nothing outside may be read or
 * changed; how many calls succeed is counted, since refusing everything would be easy.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ToolError } from "../../src/tools/tool-error.ts";
import { Workspace } from "../../src/workspace/workspace.ts";
import { endAll, start } from "./child.ts";
import { authorOf } from "./plan.ts";
import { amount, report } from "./scale.ts";
import type { Said } from "./swap-process.ts";

const files = [
  "door/file.txt",
  "door/sub/file.txt",
  "nested/a/b/file.txt",
  "etc/passwd",
  "leaf.txt",
];
let base: string;
let root: string;
let outside: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "aihub-races-"));
  [root, outside] = [join(base, "root"), join(base, "outside")];
  for (const folder of ["door/sub", "nested/a/b", "etc"])
    mkdirSync(join(root, "p", folder), { recursive: true });
  for (const file of files) writeFileSync(join(root, "p", file), "inside");
  for (const folder of ["sub", "a/b"]) mkdirSync(join(outside, folder), { recursive: true });
  for (const file of ["file.txt", "sub/file.txt", "a/b/file.txt"])
    writeFileSync(join(outside, file), "OUTSIDE");
});
afterEach(async () => {
  await endAll();
  rmSync(base, { recursive: true, force: true });
  // A long run leaves some hundred thousand files.
}, 300_000);

async function swapper() {
  const child = start<Said>("./swap-process.ts", join(root, "p"), outside);
  await child.message(() => true);
  return { swaps: () => child.received.at(-1)?.swaps ?? 0, stop: () => child.kill() };
}

/** Everything outside, by name and content. */
function lookOutside(): string[] {
  return readdirSync(outside, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() ? `${path}: ${readFileSync(path, "utf8")}` : path;
    })
    .sort();
}

const known = ["ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "EEXIST", "ENOTEMPTY"];

/** What a call may fail with while its files are being swapped. */
function isRefusal(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof ToolError || known.includes(code ?? "");
}

test("the race is real: what checks a path and then opens it gets out", async () => {
  const { stop } = await swapper();
  let [escaped, tries] = [0, 0];
  while (escaped === 0 && tries++ < 1_000_000) {
    try {
      const path = join(root, "p", files[tries % 2] as string);
      if (!realpathSync(path).startsWith(root)) continue;
      if (readFileSync(path, "utf8") === "OUTSIDE") escaped++;
    } catch {}
    if (tries % 5000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  stop();
  report(`a reader that checks first got out at attempt ${tries}`);
  expect(escaped).toBe(1);
}, 120_000);

test("no read leads out of the workspace while folders are swapped for links", async () => {
  const wanted = amount(15_000, 100_000);
  const workspace = await Workspace.open(root);
  const { swaps, stop } = await swapper();
  let [read, refused, escaped] = [0, 0, 0];
  while (read < wanted) {
    const path = `p/${files[(read + refused) % files.length]}`;
    try {
      const text = workspace.read(path).bytes.toString();
      read++;
      if (!text.startsWith("inside") && text !== "") escaped++;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused++;
    }
    if ((read + refused) % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  stop();
  report(
    `${read} successful reads (${refused} refused) beside ${swaps()} swaps: ${escaped} outside`,
  );
  expect(escaped).toBe(0);
  expect(refused).toBeGreaterThan(0);
  await workspace.close();
}, 1_800_000);

test("no write leads out of the workspace while folders are swapped for links", async () => {
  const wanted = amount(3_000, 50_000);
  const before = lookOutside();
  const workspace = await Workspace.open(root);
  const { swaps, stop } = await swapper();
  let [written, refused, next] = [0, 0, 0];
  const attempt = async (turn: number) => {
    const folder = ["door", "door/sub", "nested/a/b"][turn % 3];
    const name = `p/${folder}/w${turn % 48}`;
    const moved = `p/nested/a/moved-${turn % 48}`;
    const kind = turn % 16;
    const lock = kind === 7 ? "all" : kind === 3 ? [name, moved] : [name];
    await workspace.change(authorOf(0, turn), kind === 5 ? ["p/leaf.txt"] : lock, (change) => {
      if (kind === 3) change.move(name, moved);
      else if (kind === 7) change.trash(`p/door/made-${turn % 4}`);
      else if (kind === 9) change.makeDirectory(`p/door/made-${turn % 4}/x`);
      else if (kind === 11) change.trash(name);
      else if (kind === 5) change.write("p/leaf.txt", Buffer.from(`inside ${turn}`));
      else change.write(name, Buffer.from(`inside ${turn}`), { parents: turn % 2 === 0 });
    });
  };
  const writer = async () => {
    while (written < wanted) {
      try {
        await attempt(next++);
        written++;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refused++;
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, writer));
  stop();
  report(`${written} successful changes (${refused} refused) beside ${swaps()} swaps`);
  expect(lookOutside()).toEqual(before);
  expect(refused).toBeGreaterThan(0);
  // Neither has the history kept anything that lies outside.
  for (const { version, available } of workspace.history.of("p/leaf.txt", { limit: 500 })
    .versions) {
    if (!available) continue;
    const { bytes } = workspace.history.content("p/leaf.txt", version);
    expect(bytes.toString()).toMatch(/^(inside|$)/);
  }
  await workspace.close();
}, 1_800_000);

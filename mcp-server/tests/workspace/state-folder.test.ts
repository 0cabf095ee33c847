import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Confinement } from "../../src/workspace/confinement.ts";
import { Reserve } from "../../src/workspace/reserve.ts";
import { StateFolder } from "../../src/workspace/state-folder.ts";
import { Workspace } from "../../src/workspace/workspace.ts";
import { write } from "./opened.ts";

let base: string;
let root: string;
let outside: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "aihub-state-"));
  [root, outside] = [join(base, "workspace"), join(base, "outside")];
  for (const folder of [join(root, "blog"), outside]) mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("a link in the server's folder", () => {
  test.each([
    "",
    "unfinished",
    "trash",
    "objects",
    "objects/ab",
    "reserve",
    "lock.db",
    "history.db",
    "history.db-wal",
    "audit",
  ])("is refused at start, and nothing is written through it: .aihub/%s", async (name) => {
    const place = join(root, ".aihub", name);
    mkdirSync(join(place, ".."), { recursive: true });
    // To a folder, and to where a file would be made.
    const target = /\.|reserve/.test(name) ? join(outside, "new") : outside;
    symlinkSync(target, place);
    await expect(Workspace.open(root)).rejects.toThrow(/cannot be used: ".*" is a symbolic link/);
    expect(readdirSync(outside)).toEqual([]);
    // Whoever removes it can go on.
    rmSync(place);
    const workspace = await Workspace.open(root);
    await write(workspace, "blog/a", "a");
    await workspace.close();
  });

  test("is allowed for the tokens", async () => {
    mkdirSync(join(root, ".aihub"));
    symlinkSync(join(outside, "secret"), join(root, ".aihub/tokens.json"));
    await (await Workspace.open(root)).close();
  });

  test("put there for a folder of contents later is not followed", () => {
    const files = new Confinement(root);
    const state = new StateFolder(files);
    symlinkSync(outside, join(root, ".aihub/objects/ab"));
    expect(() => state.object("ab".repeat(32))).toThrow(/is a symbolic link/);
    state.close();
    files.close();
  });
});

describe("the reserve", () => {
  test("is not made through a link", () => {
    symlinkSync(join(outside, "reserve"), join(root, "reserve"));
    new Reserve(root).fill();
    expect(existsSync(join(outside, "reserve"))).toBe(false);
    expect(lstatSync(join(root, "reserve")).isSymbolicLink()).toBe(true);
  });

  test("of another process stays as it is", () => {
    writeFileSync(join(root, "reserve"), "theirs");
    new Reserve(root).fill();
    expect(readFileSync(join(root, "reserve"), "utf8")).toBe("theirs");
  });
});

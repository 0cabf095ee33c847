/** What a step does to a place that another program changes, and what is left when a step fails or its process dies. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { carryOut } from "../../src/workspace/carry-out.ts";
import type { Change } from "../../src/workspace/change.ts";
import type { StagedStep } from "../../src/workspace/planned-view.ts";
import { StateFolder } from "../../src/workspace/state-folder.ts";
import { caller, type Opened, openWorkspace, write } from "./opened.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const text = (path: string) => readFileSync(opened.at(path), "utf8");
const change = <T>(plan: (change: Change) => T | Promise<T>) =>
  opened.workspace.change({ tool: "test", caller: caller() }, "all", plan);
const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");
const object = (content: string) => {
  const hash = sha256(content);
  return opened.at(`.aihub/objects/${hash.slice(0, 2)}/${hash}`);
};
const undo = (id: string | undefined) =>
  change((staged) => opened.workspace.undo.stage(staged, { change: id as string }));

describe("a file that another program edits at this very moment", () => {
  /** Edits in place: inode, size and time of modification stay. */
  const edit = (path: string, content: string) => {
    const { atime, mtime } = statSync(opened.at(path));
    writeFileSync(opened.at(path), content);
    utimesSync(opened.at(path), atime, mtime);
  };

  test.each([
    ["longer", (path: string) => writeFileSync(opened.at(path), "edited by a person")],
    ["as long, with its time set back", (path: string) => edit(path, "edit")],
  ])("is neither deleted nor overwritten: %s", async (_how, meddle) => {
    for (const path of ["blog/a", "blog/other"]) await write(opened.workspace, path, "keep");
    const replaced = await write(opened.workspace, "blog/other", "newer");
    for (const path of ["blog/a", "blog/other"]) {
      // A time that can be set back to exactly.
      utimesSync(opened.at(path), 1_700_000_000, 1_700_000_000);
    }
    await expect(
      change((staged) => {
        staged.trash("blog/a");
        meddle("blog/a");
      }),
    ).rejects.toThrow(/"blog\/a" was changed by another program/);
    expect(text("blog/a")).toMatch(/^edit/);
    await expect(
      change((staged) => {
        staged.write("blog/a", Buffer.from("mine"));
        meddle("blog/a");
        edit("blog/a", text("blog/a").toUpperCase());
      }),
    ).rejects.toThrow(/changed by another program/);
    expect(text("blog/a")).toMatch(/^EDIT/);
    // The version that another file shares is what it was.
    await undo(replaced.id);
    expect(text("blog/other")).toBe("keep");
  });

  test("is not taken for edited where the change itself moved it", async () => {
    for (const path of ["blog/a", "blog/b", "blog/c"]) await write(opened.workspace, path, path);
    await change((staged) => {
      staged.move("blog/a", "blog/a2");
      staged.write("blog/a2", Buffer.from("new"));
      staged.move("blog/b", "blog/b2");
      staged.trash("blog/b2");
      staged.move("blog/c", "blog/c2");
      staged.move("blog/c2", "blog/c3");
      staged.write("blog/c3", Buffer.from("newer"));
    });
    expect(opened.tree()).toEqual(["blog", "blog/a2", "blog/c3"]);
    expect([text("blog/a2"), text("blog/c3")]).toEqual(["new", "newer"]);
  });
});

describe("a step that fails", () => {
  let state: StateFolder;
  beforeEach(() => {
    state = new StateFolder(opened.workspace.files);
  });
  afterEach(() => state.close());

  /** A write whose last system call fails. */
  const failing = (path: string): StagedStep => ({
    op: "write",
    path,
    temporary: "missing",
    mode: 0o644,
    before: sha256(text(path)),
    found: lstatSync(opened.at(path)),
  });

  test("leaves the file the one name it had", async () => {
    writeFileSync(opened.at("blog/a"), "a");
    expect(() => carryOut(opened.workspace.files, state, [failing("blog/a")])).toThrow(/ENOENT/);
    expect(statSync(opened.at("blog/a")).nlink).toBe(1);
    await write(opened.workspace, "blog/a", "b");
    expect(opened.workspace.read("blog/a").bytes.toString()).toBe("b");
  });

  test("leaves it that also where its content is kept already", async () => {
    await write(opened.workspace, "blog/b", "same");
    await write(opened.workspace, "blog/b", "other");
    for (const path of ["blog/a", "blog/z"]) writeFileSync(opened.at(path), "same");
    const steps = [failing("blog/a"), failing("blog/z")];
    expect(() => carryOut(opened.workspace.files, state, steps)).toThrow(/ENOENT/);
    expect(statSync(opened.at("blog/a")).nlink).toBe(1);
    expect(readdirSync(opened.at(".aihub/unfinished"))).toEqual([]);
    expect(statSync(object("same")).nlink).toBe(1);
  });

  test("has the ones before it taken back, also where one of these cannot be", async () => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    for (const path of ["blog/a", "blog/z"]) writeFileSync(opened.at(path), path);
    renameSync(opened.at("blog/a"), opened.at("blog/from"));
    const open = readdirSync("/proc/self/fd").length;
    const last: StagedStep = {
      ...failing("blog/z"),
      // Somebody uses the new folder before the last step.
      get path() {
        writeFileSync(opened.at("blog/new/theirs"), "theirs");
        return "blog/z";
      },
    };
    const steps: StagedStep[] = [
      { op: "move", path: "blog/to", from: "blog/from" },
      { op: "make_directory", path: "blog/new" },
      last,
    ];
    expect(() => carryOut(opened.workspace.files, state, steps)).toThrow(/ENOENT/);
    expect(opened.tree()).toEqual(["blog", "blog/from", "blog/new", "blog/new/theirs", "blog/z"]);
    expect(readdirSync("/proc/self/fd")).toHaveLength(open);
    expect(said).toHaveBeenCalledWith(expect.stringMatching(/refused change stays: ENOTEMPTY/));
    said.mockRestore();
  });
});

test("a refused change gives back the very files, with their modes, also where their content is kept already", async () => {
  await write(opened.workspace, "blog/first", "same");
  chmodSync(opened.at("blog/first"), 0o644);
  await write(opened.workspace, "blog/first", "other");
  const modes = { key: 0o600, run: 0o755, gone: 0o640 };
  for (const [name, mode] of Object.entries(modes)) {
    writeFileSync(opened.at(`blog/${name}`), "same");
    chmodSync(opened.at(`blog/${name}`), mode);
  }
  const state = () =>
    Object.keys(modes).map((name) => {
      const { ino, mode, nlink, mtimeMs } = statSync(opened.at(`blog/${name}`));
      return { ino, mode, nlink, mtimeMs, text: text(`blog/${name}`) };
    });
  const before = state();
  await expect(
    change((staged) => {
      staged.write("blog/key", Buffer.from("new"));
      staged.write("blog/run", Buffer.from("new"));
      staged.trash("blog/gone");
      staged.write("blog/last", Buffer.from("new"));
      writeFileSync(opened.at("blog/last"), "theirs");
    }),
  ).rejects.toThrow(/changed by another program/);
  expect(state()).toEqual(before);
  expect(readdirSync(opened.at(".aihub/unfinished"))).toEqual([]);
  // What was held for that is gone when the change is done.
  const { id } = await change((staged) => {
    staged.write("blog/key", Buffer.from("new"));
    staged.trash("blog/gone");
    staged.write("blog/end", Buffer.from("end"));
  });
  expect(readdirSync(opened.at(".aihub/unfinished"))).toEqual([]);
  await undo(id);
  expect([text("blog/key"), text("blog/gone")]).toEqual(["same", "same"]);
  expect(statSync(opened.at("blog/key")).mode & 0o777).toBe(0o600);
});

test.each(["overwritten", "deleted"])(
  "a kept content that was damaged is replaced when the same one is %s",
  async (how) => {
    await write(opened.workspace, "blog/a", "AAAA");
    const other = openSync(opened.at("blog/a"), "r+");
    await write(opened.workspace, "blog/a", "v2");
    // A program that had the file open.
    writeSync(other, "ZZZZ");
    closeSync(other);
    expect(readFileSync(object("AAAA"), "utf8")).toBe("ZZZZ");
    await write(opened.workspace, "blog/b", "AAAA");
    const { id } =
      how === "deleted"
        ? await change((staged) => staged.trash("blog/b"))
        : await write(opened.workspace, "blog/b", "v2");
    await undo(id);
    expect(text("blog/b")).toBe("AAAA");
  },
);

test("a file that was held when the process died is read and written again", async () => {
  await write(opened.workspace, "blog/first", "same");
  await write(opened.workspace, "blog/first", "other");
  writeFileSync(opened.at("blog/key"), "same", { mode: 0o600 });
  const module = new URL("../../src/workspace/workspace.ts", import.meta.url).href;
  const script = `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
    const rename = fs.renameSync;
    fs.renameSync = (from, to) => { if (to.endsWith("/key")) process.kill(process.pid, "SIGKILL"); rename(from, to); };
    syncBuiltinESMExports();
    const { Workspace } = await import(${JSON.stringify(module)});
    const workspace = await Workspace.open(process.argv[1]);
    const caller = { token: "t", scopes: new Set(["write"]), projects: "all" };
    await workspace.change({ tool: "t", caller }, "all", (change) => {
      change.write("blog/key", Buffer.from("new"));
      change.write("blog/last", Buffer.from("new"));
    });`;
  const [, signal] = await once(
    spawn(process.execPath, ["--input-type=module", "-e", script, opened.folder], {
      stdio: "inherit",
    }),
    "exit",
  );
  expect(signal).toBe("SIGKILL");
  expect(statSync(opened.at("blog/key")).nlink).toBe(2);
  await opened.reopen();
  expect([text("blog/key"), text("blog/last")]).toEqual(["new", "new"]);
  expect(statSync(opened.at("blog/key")).mode & 0o777).toBe(0o600);
  expect(readdirSync(opened.at(".aihub/unfinished"))).toEqual([]);
});

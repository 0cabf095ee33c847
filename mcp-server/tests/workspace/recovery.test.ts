/** What the next start makes of a workspace whose server, or whose machine, has died. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Change } from "../../src/workspace/change.ts";
import { Workspace } from "../../src/workspace/workspace.ts";
import { caller, type Opened, openWorkspace, write } from "./opened.ts";

let opened: Opened;
let again: Workspace | undefined;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(async () => {
  await again?.close();
  again = undefined;
  await opened.remove();
});

const text = (path: string) => readFileSync(opened.at(path), "utf8");
const change = (plan: (change: Change) => unknown) =>
  opened.workspace.change({ tool: "test", caller: caller() }, "all", async (staged) => {
    await plan(staged);
  });
const object = (content: string) => {
  const hash = createHash("sha256").update(content).digest("hex");
  return opened.at(`.aihub/objects/${hash.slice(0, 2)}/${hash}`);
};
const [JOURNALLED, CARRIED_OUT] = [0, 1];

function database<T>(use: (database: DatabaseSync) => T): T {
  const file = new DatabaseSync(opened.at(".aihub/history.db"));
  try {
    return use(file);
  } finally {
    file.close();
  }
}

const count = (what: string) =>
  database((file) => Number(file.prepare(`SELECT count(*) AS n FROM ${what}`).get()?.n));

/** The server is gone: what it had in memory is written down nowhere any more. */
async function leave(): Promise<void> {
  await expect.poll(() => count(`changes WHERE state = ${JOURNALLED}`)).toBe(0);
}

/** Opens the workspace as the next server does. */
async function start(): Promise<Workspace> {
  again = await Workspace.open(opened.folder);
  return again;
}

/** The machine is gone: the next start finds another run of its kernel. */
async function cutPower(state = CARRIED_OUT): Promise<void> {
  await leave();
  database((file) =>
    file.exec(`UPDATE boots SET id = 'another run'; UPDATE changes SET state = ${state}`),
  );
}

const versions = (workspace: Workspace, path: string) =>
  workspace.history
    .of(path)
    .versions.filter(({ available }) => available)
    .map(({ version }) => workspace.history.content(path, version).bytes.toString());

describe("after a power cut", () => {
  const lost = (path: string, content = "") => {
    writeFileSync(opened.at(path), content);
    utimesSync(opened.at(path), 1, 1);
  };

  test("the journal writes again what had been acknowledged", async () => {
    await write(opened.workspace, "blog/a", "one");
    await write(opened.workspace, "blog/a", "two");
    await write(opened.workspace, "blog/new/b", "b");
    expect(count("contents")).toBe(3);
    await cutPower();
    lost("blog/a");
    lost("blog/new/b");
    const workspace = await start();
    expect([text("blog/a"), text("blog/new/b")]).toEqual(["two", "b"]);
    expect(workspace.history.content("blog/a", "1").bytes.toString()).toBe("one");
  });

  test("the same when only its disk went away and came back", async () => {
    const mountedFile = join(opened.outside, "mounted");
    writeFileSync(mountedFile, "first");
    await opened.reopen({ mountedFile });
    await write(opened.workspace, "blog/a", "one");
    await leave();
    lost("blog/a");
    writeFileSync(mountedFile, "second");
    again = await Workspace.open(opened.folder, { mountedFile });
    expect(text("blog/a")).toBe("one");
  });

  test.each([[[]], [["old"]]])("also where its mark as done was lost, after %j", async (before) => {
    for (const content of before) await write(opened.workspace, "blog/a", content);
    await opened.reopen();
    await write(opened.workspace, "blog/a", "ACKNOWLEDGED");
    await leave();
    await cutPower();
    database((file) =>
      file.exec(
        `UPDATE changes SET state = ${JOURNALLED} WHERE id = (SELECT max(id) FROM changes)`,
      ),
    );
    lost("blog/a");
    const workspace = await start();
    expect(text("blog/a")).toBe("ACKNOWLEDGED");
    expect(versions(workspace, "blog/a")).toEqual(expect.arrayContaining([...before]));
    expect(count("changes WHERE state < 2")).toBe(0);
  });

  test("an edit made since the write counts, and the lost content stays a version", async () => {
    await write(opened.workspace, "blog/a", "one");
    await cutPower();
    // The edit was made before the machine went down; the write before it, once more.
    database((file) => file.exec("UPDATE changes SET time = 1000"));
    writeFileSync(opened.at("blog/a"), "edited since");
    utimesSync(opened.at("blog/a"), 2000, 2000);
    const workspace = await start();
    expect(text("blog/a")).toBe("edited since");
    await workspace.prune(2_000_000);
    expect(workspace.history.content("blog/a", "1").bytes.toString()).toBe("one");
  });

  test("a person's return to the version before counts", async () => {
    await write(opened.workspace, "blog/a", "before");
    await opened.reopen();
    await write(opened.workspace, "blog/a", "after");
    await cutPower();
    database((file) => file.exec("UPDATE changes SET time = 1000"));
    writeFileSync(opened.at("blog/a"), "before");
    await start();
    expect(text("blog/a")).toBe("before");
  });

  test("a torn file is written again, whatever its time says", async () => {
    await write(opened.workspace, "blog/a", "ACKNOWLEDGED");
    await write(opened.workspace, "blog/b", "ACKNOWLEDGED");
    await cutPower();
    for (const [path, content] of [
      ["blog/a", ""],
      ["blog/b", "ACK\0\0\0"],
    ] as const) {
      writeFileSync(opened.at(path), content);
      const later = Date.now() / 1000 + 600;
      utimesSync(opened.at(path), later, later);
    }
    const workspace = await start();
    expect([text("blog/a"), text("blog/b")]).toEqual(["ACKNOWLEDGED", "ACKNOWLEDGED"]);
    expect(versions(workspace, "blog/b")).toContain("ACK\0\0\0");
  });

  test("what is replaced on suspicion stays a version, and says why", async () => {
    await write(opened.workspace, "blog/a", "one");
    await cutPower();
    writeFileSync(opened.at("blog/a"), "older than the write");
    database((file) => file.exec(`UPDATE changes SET time = ${Date.now() + 3_600_000}`));
    const workspace = await start();
    expect(text("blog/a")).toBe("one");
    expect(versions(workspace, "blog/a")).toContain("older than the write");
    expect(workspace.history.of("blog/a").versions[0]).toMatchObject({
      tool: "recovery",
      reason: expect.stringContaining("power cut"),
    });
  });

  test("a file that was given its second name and not replaced is replaced", async () => {
    await write(opened.workspace, "blog/a", "one");
    await opened.reopen();
    await write(opened.workspace, "blog/a", "two");
    await cutPower();
    rmSync(opened.at("blog/a"));
    linkSync(object("one"), opened.at("blog/a"));
    const workspace = await start();
    expect(text("blog/a")).toBe("two");
    expect(versions(workspace, "blog/a")).toEqual(["two", "one"]);
  });

  test("folders that were lost are made again, and a place that is somebody else's stays", async () => {
    mkdirSync(opened.at("blog/d"));
    for (const path of ["blog/d/x", "blog/link/y", "blog/z"])
      await write(opened.workspace, path, path);
    await cutPower();
    rmSync(opened.at("blog/d"), { recursive: true });
    rmSync(opened.at("blog/link"), { recursive: true });
    symlinkSync(opened.outside, opened.at("blog/link"));
    lost("blog/z");
    await start();
    expect([text("blog/d/x"), text("blog/z")]).toEqual(["blog/d/x", "blog/z"]);
    expect(readdirSync(opened.outside)).toEqual([]);
    expect(readFileSync(object("blog/link/y"), "utf8")).toBe("blog/link/y");
  });

  test("what could not be written again is written by the start after", async () => {
    await write(opened.workspace, "blog/a", "one");
    await write(opened.workspace, "blog/a", "two");
    await write(opened.workspace, "blog/b", "ACKNOWLEDGED");
    await cutPower();
    lost("blog/a");
    lost("blog/b");
    // A folder in the place of a version.
    rmSync(object("one"));
    mkdirSync(object("one"));
    await expect(start()).rejects.toThrow();
    rmSync(object("one"), { recursive: true });
    await start();
    expect([text("blog/a"), text("blog/b")]).toEqual(["two", "ACKNOWLEDGED"]);
  });
});

describe("after a kill", () => {
  /** The newest change was journalled, and this is how far it had come. */
  const journalled = async (undoIt: () => void) => {
    await leave();
    undoIt();
    database((file) =>
      file.exec(
        `UPDATE changes SET state = ${JOURNALLED} WHERE id = (SELECT max(id) FROM changes)`,
      ),
    );
  };
  const writeBoth = (number: number) =>
    change((staged) => {
      for (const name of ["a", "b"])
        staged.write(`blog/new${number}/${name}`, Buffer.from(`${name}${number}`), {
          parents: true,
        });
      for (const name of ["a", "b"])
        staged.write(`blog/${name}`, Buffer.from(`${name}${number}`), { parents: true });
    });

  test("a change that was not begun is done as a whole", async () => {
    await writeBoth(1);
    await writeBoth(2);
    await journalled(() => {
      rmSync(opened.at("blog/new2"), { recursive: true });
      for (const name of ["a", "b"]) {
        rmSync(opened.at(`blog/${name}`));
        linkSync(object(`${name}1`), opened.at(`blog/${name}`));
      }
    });
    const workspace = await start();
    expect(["a", "b", "new2/a", "new2/b"].map((name) => text(`blog/${name}`))).toEqual([
      "a2",
      "b2",
      "a2",
      "b2",
    ]);
    expect(versions(workspace, "blog/a")).toEqual(["a2", "a1"]);
  });

  test("or not at all, where somebody has changed one of its files since", async () => {
    await writeBoth(1);
    await writeBoth(2);
    await journalled(() => {
      for (const name of ["a", "b"]) rmSync(opened.at(`blog/new2/${name}`));
      writeFileSync(opened.at("blog/a"), "a1");
      writeFileSync(opened.at("blog/b"), "edited since");
    });
    const workspace = await start();
    expect([text("blog/a"), text("blog/b")]).toEqual(["a1", "edited since"]);
    expect(existsSync(opened.at("blog/new2"))).toBe(false);
    expect(workspace.history.of("blog/a").versions.map(({ version }) => version)).toEqual(["1"]);
    expect([count("changes"), count("contents")]).toEqual([1, 0]);
  });

  test("a delete takes nothing that was edited since", async () => {
    await write(opened.workspace, "blog/a", "one");
    await change((staged) => staged.trash("blog/a"));
    await journalled(() => {
      renameSync(object("one"), opened.at("blog/a"));
      writeFileSync(opened.at("blog/a"), "edited since");
    });
    await start();
    expect(text("blog/a")).toBe("edited since");
    expect(count("changes WHERE state < 2")).toBe(0);
  });

  test("a change whose steps are all refused is not open for ever", async () => {
    await write(opened.workspace, "blog/a", "one");
    await journalled(() => writeFileSync(opened.at("blog/a"), "edited since"));
    const workspace = await start();
    expect(text("blog/a")).toBe("edited since");
    await workspace.close();
    again = undefined;
    expect([count("changes"), count("contents")]).toEqual([0, 0]);
  });

  test("what was acknowledged is marked also while another call holds the lock", async () => {
    const end = Promise.withResolvers<void>();
    const slow = opened.workspace.change(
      { tool: "test", caller: caller() },
      ["blog/slow"],
      () => end.promise,
    );
    await write(opened.workspace, "blog/a", "acknowledged");
    await leave();
    end.resolve();
    await slow;
  });
});

test("refused writes leave no content in the journal", async () => {
  await write(opened.workspace, "blog/a", "one");
  await expect(
    change((staged) => {
      staged.write("blog/a", Buffer.from("two"));
      writeFileSync(opened.at("blog/a"), "edited at this moment");
    }),
  ).rejects.toThrow(/another program/);
  await opened.reopen();
  expect([count("changes"), count("contents")]).toEqual([1, 0]);
});

describe("what somebody has put in the place of a new file", () => {
  test.each([
    [
      "a link to a folder",
      () => {
        renameSync(opened.at("blog/d"), opened.at("blog/real"));
        symlinkSync("real", opened.at("blog/d"));
      },
    ],
    [
      "a pipe",
      () => {
        rmSync(opened.at("blog/d/a"));
        execFileSync("mkfifo", [opened.at("blog/d/a")], { stdio: "ignore" });
      },
    ],
  ])("keeps no other change waiting: %s", async (_what, replace) => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await write(opened.workspace, "blog/d/a", "a");
    replace();
    await write(opened.workspace, "blog/z", "z");
    await change((staged) => staged.trash("blog/z"));
    expect(existsSync(opened.at("blog/z"))).toBe(false);
    expect(count("contents")).toBe(0);
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
  });
});

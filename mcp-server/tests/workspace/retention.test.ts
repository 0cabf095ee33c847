import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Change } from "../../src/workspace/change.ts";
import { caller, type Opened, openWorkspace, write } from "./opened.ts";

const DAY = 86_400_000;
let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const text = (path: string) => readFileSync(opened.at(path), "utf8");
const change = (plan: (change: Change) => unknown) =>
  opened.workspace.change({ tool: "test", caller: caller() }, "all", async (staged) => {
    await plan(staged);
  });
const undo = (id: string | undefined) =>
  change((staged) => opened.workspace.undo.stage(staged, { change: id as string }));
const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");
const kept = () =>
  (readdirSync(opened.at(".aihub/objects"), { recursive: true }) as string[]).filter((name) =>
    name.includes("/"),
  );
const database = <T>(use: (database: DatabaseSync) => T): T => {
  const file = new DatabaseSync(opened.at(".aihub/history.db"));
  try {
    return use(file);
  } finally {
    file.close();
  }
};

test("forgets by age, and removes what nobody needs", async () => {
  await write(opened.workspace, "blog/a", "one");
  await write(opened.workspace, "blog/a", "two");
  await change((staged) => {
    staged.write("blog/d/e", Buffer.from("e"), { parents: true });
  });
  await change((staged) => staged.trash("blog/d"));
  await opened.reopen();
  await opened.workspace.prune(Date.now() + 89 * DAY);
  expect(kept()).toHaveLength(1);
  expect(readdirSync(opened.at(".aihub/trash"))).toHaveLength(1);
  await opened.workspace.prune(Date.now() + 91 * DAY);
  expect(kept()).toHaveLength(0);
  expect(readdirSync(opened.at(".aihub/trash"))).toHaveLength(0);
  expect(text("blog/a")).toBe("two");
});

test("forgets by size, the oldest first", async () => {
  await opened.reopen({ retention: { bytes: 25 } });
  for (let number = 0; number < 6; number++)
    await write(opened.workspace, "blog/a", `${number}`.repeat(10));
  await opened.workspace.prune();
  expect(kept()).toHaveLength(2);
  expect(opened.workspace.history.content("blog/a", "5").bytes.toString()).toBe("4".repeat(10));
});

test("keeps the history when one write had a clock that was wrong", async () => {
  for (let number = 0; number < 5; number++) await write(opened.workspace, "blog/a", `${number}`);
  const clock = vi.spyOn(Date, "now").mockReturnValue(1);
  try {
    await write(opened.workspace, "blog/b", "b");
  } finally {
    clock.mockRestore();
  }
  await write(opened.workspace, "blog/c", "c");
  await opened.reopen();
  await opened.workspace.prune();
  expect(opened.workspace.history.of("blog/a").versions).toHaveLength(5);
  expect(opened.workspace.history.content("blog/a", "1").bytes.toString()).toBe("0");
});

test("makes durable what it forgets, and leaves none of its content in the journal", async () => {
  await opened.reopen({ retention: { bytes: 1000 } });
  await write(opened.workspace, "blog/a", "a".repeat(5000));
  await write(opened.workspace, "blog/a", "b".repeat(5000));
  await opened.workspace.prune();
  const left = database((file) => [
    file.prepare("SELECT count(*) AS n FROM changes").get()?.n,
    file.prepare("SELECT count(*) AS n FROM contents").get()?.n,
  ]);
  expect(left).toEqual([0, 0]);
  expect(text("blog/a")).toBe("b".repeat(5000));
});

describe("beside changes", () => {
  /** Makes what there is old, with many old versions beside it. */
  async function age(versions: number): Promise<void> {
    await opened.reopen();
    database((file) => {
      file.exec(`BEGIN; UPDATE changes SET time = time - ${100 * DAY}`);
      const insert = file.prepare(
        "INSERT INTO steps (change, number, op, path, before, before_size, before_mode) VALUES (1, ?, 'write', 'blog/a', ?, 1, 420)",
      );
      for (let number = 1; number <= versions; number++) {
        const hash = sha256(String(number));
        mkdirSync(opened.at(`.aihub/objects/${hash.slice(0, 2)}`), { recursive: true });
        writeFileSync(opened.at(`.aihub/objects/${hash.slice(0, 2)}/${hash}`), "x");
        insert.run(number, hash);
      }
      file.exec("COMMIT");
    });
    await opened.reopen();
  }

  test("removes nothing that was deleted meanwhile", async () => {
    await write(opened.workspace, "blog/a", "one");
    await write(opened.workspace, "blog/kept/thesis", "five years");
    await age(500);
    const pruned = opened.workspace.prune();
    const { id } = await change((staged) => staged.trash("blog/kept"));
    await pruned;
    await undo(id);
    expect(text("blog/kept/thesis")).toBe("five years");
    expect(kept()).toHaveLength(0);
  });

  test("removes no content that was replaced meanwhile, though nobody needed it before", async () => {
    // One that is looked at last, when the others have taken their time.
    for (let number = 0; number < 256; number++)
      mkdirSync(opened.at(`.aihub/objects/${number.toString(16).padStart(2, "0")}`));
    const last = readdirSync(opened.at(".aihub/objects")).at(-1) as string;
    let same = "same";
    while (!sha256(same).startsWith(last)) same += "!";
    await write(opened.workspace, "blog/a", same);
    await write(opened.workspace, "blog/a", "two");
    await write(opened.workspace, "blog/b", same);
    await age(1500);
    const pruned = opened.workspace.prune();
    const { id } = await write(opened.workspace, "blog/b", "new");
    await pruned;
    await undo(id);
    expect(text("blog/b")).toBe(same);
  });

  test("ends before the workspace is closed, and goes on with what was left", async () => {
    await write(opened.workspace, "blog/a", "one");
    await age(500);
    const pruned = opened.workspace.prune();
    await opened.reopen();
    await pruned;
    await opened.workspace.prune();
    expect(kept()).toHaveLength(0);
  });
});

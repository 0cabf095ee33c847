import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { differences, tally } from "../../../recovery/restore/differences.ts";

let target: string;
beforeEach(async () => {
  target = await mkdtemp(join(tmpdir(), "aihub-differences-"));
});
afterEach(() => rm(target, { recursive: true, force: true }));

const then = "2026-11-24T02:00:00.123456789Z";

async function file(path: string, content: string, mtime = new Date(then)): Promise<void> {
  await mkdir(join(target, path, ".."), { recursive: true });
  await writeFile(join(target, path), content);
  await utimes(join(target, path), mtime, mtime);
}

it("tells files that come back, change and go, and leaves alone what a restore leaves alone", async () => {
  await file("workspace/notes/same", "same");
  await file("workspace/notes/grown", "12345");
  await file("workspace/notes/touched", "abc", new Date("2026-11-25T00:00:00Z"));
  await file("workspace/new/a/b", "new");
  await file("workspace/loose.txt", "x");
  await file("postgres/pgdata/1", "never");
  await file("hub/recovery/operation.json", "{}");
  await file("hub/recovery-of-mine", "x");
  await symlink("same", join(target, "workspace/notes/link"));
  async function* listed() {
    for (const path of ["/data/workspace", "/data/workspace/notes", "/data/workspace/gone"]) {
      yield { path, type: "dir", mtime: then };
    }
    for (const [name, size] of Object.entries({ same: 4, grown: 4, touched: 3, lost: 7 })) {
      yield { path: `/data/workspace/notes/${name}`, type: "file", size, mtime: then };
    }
    yield { path: "/data/workspace/notes/link", type: "symlink", mtime: then };
    yield { path: "/data/workspace/gone/deep/x", type: "file", size: 1, mtime: then };
    yield { path: "/data/hub/recovery/point/point.json", type: "file", size: 9, mtime: then };
    yield { path: "/data", type: "dir", mtime: then };
  }
  const found = await differences(listed(), {
    from: "/data",
    target,
    leftAlone: ["/postgres", "/hub/recovery"],
  });
  expect(found).toEqual({
    added: ["/workspace/notes/lost", "/workspace/gone/deep/x"],
    changed: ["/workspace/notes/grown", "/workspace/notes/touched"],
    removed: expect.toSatisfy(
      (paths: string[]) =>
        paths.toSorted().join() === "/hub/recovery-of-mine,/workspace/loose.txt,/workspace/new/a/b",
    ),
    unchanged: 2,
    // Two files that come back, a block each; those that change are not larger than before.
    bytes: 2 * 4096,
  });
  expect(tally(found)).toEqual({
    hub: { added: 0, changed: 0, removed: 1 },
    workspace: { added: 0, changed: 0, removed: 1 },
    "workspace/gone": { added: 1, changed: 0, removed: 0 },
    "workspace/new": { added: 0, changed: 0, removed: 1 },
    "workspace/notes": { added: 1, changed: 2, removed: 0 },
  });
});

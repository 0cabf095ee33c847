/** Disks that take no more, by real file systems. Needs the right to mount. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Repository } from "../../../recovery/repository/restic.ts";
import { type Fixture, makeFixture, point, writeNoise } from "./fixture.ts";

const run = promisify(execFile);

let fixture: Fixture;
let disk: string;
let repository: Repository;
let count = 0;

beforeAll(async () => {
  fixture = await makeFixture();
  await writeNoise(join(fixture.source, "noise"), 6_000_000);
});
beforeEach(async () => {
  const name = `disk-${count++}`;
  disk = join(fixture.folder, name);
  await mkdir(disk);
  await run("mount", ["-t", "tmpfs", "-o", "size=4m", "none", disk]);
  repository = fixture.open(`${name}/repository`);
});
afterEach(() => run("umount", [disk]));
afterAll(() => fixture?.remove());

describe.skipIf(process.getuid?.() !== 0)("a disk", () => {
  test("that is full is told, and what was there before stays whole", async () => {
    await repository.ensure();
    const small = join(fixture.folder, "small");
    await mkdir(small);
    await writeFile(join(small, "file"), "small");
    await point(repository, small);
    await expect(point(repository, fixture.source)).rejects.toMatchObject({ kind: "no-space" });
    expect((await repository.snapshots()).length).toBe(1);
    expect((await point(repository, small)).snapshotId).toBeDefined();
    await repository.prune();
    expect(await repository.check({ subset: "1/1" })).toMatchObject({ ok: true });
  });

  test("that is full when restored to is told", async () => {
    const roomy = fixture.open(`roomy-${count++}`);
    await roomy.ensure();
    await point(roomy, fixture.source);
    await expect(
      roomy.restore({ snapshot: "latest", target: join(disk, "target") }),
    ).rejects.toMatchObject({ kind: "no-space" });
  });

  test("that may only be read is told at once, and can still be restored from", async () => {
    await repository.ensure();
    const small = join(fixture.folder, "some");
    await mkdir(small);
    await writeFile(join(small, "file"), "some");
    await point(repository, small);
    await run("mount", ["-o", "remount,ro", disk]);
    await expect(point(repository, small)).rejects.toMatchObject({ kind: "denied" });
    await expect(repository.prune()).rejects.toMatchObject({ kind: "denied" });
    const target = join(fixture.folder, "from-read-only");
    expect(await repository.restore({ snapshot: "latest", target })).toMatchObject({ bytes: 4 });
    const nowhere = fixture.open(`disk-${count - 1}/another`);
    await expect(nowhere.ensure()).rejects.toMatchObject({ kind: "denied" });
  });
});

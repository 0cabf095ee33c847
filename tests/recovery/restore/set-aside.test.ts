import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";

const volume = await mkdtemp(join(tmpdir(), "aihub-set-aside-"));
vi.stubEnv("AIHUB_VOLUME", volume);
const { sweepSetAside } = await import("../../../recovery/restore/set-aside.ts");
afterAll(() => rm(volume, { recursive: true, force: true }));

it("keeps what was put aside for a week, and takes nothing else", async () => {
  const recovery = join(volume, "hub/recovery");
  expect(await sweepSetAside()).toEqual([]);
  for (const folder of ["set-aside/one", "looks/two", "point"]) {
    await mkdir(join(recovery, folder), { recursive: true });
    await writeFile(join(recovery, folder, "file"), "x");
  }
  const day = 86_400_000;
  expect(await sweepSetAside(Date.now() + 6 * day)).toEqual([]);
  expect(await sweepSetAside(Date.now() + 8 * day)).toEqual([
    join(recovery, "set-aside/one"),
    join(recovery, "looks/two"),
  ]);
  expect(existsSync(join(recovery, "point/file"))).toBe(true);
});

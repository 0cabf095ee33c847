import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { silent } from "../../scripts/progress.ts";
import { pulumiByPackage } from "../../scripts/toolchain/pulumi-package.ts";

let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "aihub-package-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
});
afterEach(async () => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

it("where the download site does not answer, the package is not even tried", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("fetch failed")));
  expect(await pulumiByPackage(silent, "3.259.0")).toBeUndefined();
  expect(await readdir(cache)).toEqual([]);
});

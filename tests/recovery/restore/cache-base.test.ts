import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseSignOuts, writeCacheBase } from "../../../recovery/restore/cache-base.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-cache-"));
  await mkdir(join(folder, "appendonlydir"));
  await writeFile(join(folder, "appendonlydir/appendonly.aof.7.incr.aof"), "old");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the base of the cache", () => {
  it("is all there is", async () => {
    await writeCacheBase(Readable.from([Buffer.from("REDIS"), Buffer.from("0011")]), folder);
    expect(await readdir(folder)).toEqual(["appendonlydir"]);
    expect((await readdir(join(folder, "appendonlydir"))).toSorted()).toEqual([
      "appendonly.aof.1.base.rdb",
      "appendonly.aof.manifest",
    ]);
    expect(await readFile(join(folder, "appendonlydir/appendonly.aof.1.base.rdb"), "utf8")).toBe(
      "REDIS0011",
    );
  });

  it("leaves what was there when the copy breaks off", async () => {
    async function* broken() {
      yield Buffer.from("REDIS");
      throw new Error("cut off");
    }
    await expect(writeCacheBase(Readable.from(broken()), folder)).rejects.toThrow("cut off");
    expect(await readdir(join(folder, "appendonlydir"))).toEqual(["appendonly.aof.7.incr.aof"]);
    await writeCacheBase(Readable.from([Buffer.from("whole")]), folder);
    expect(await readdir(folder)).toEqual(["appendonlydir"]);
  });
});

it("reads who signed out, and until when that counts", () => {
  const text = [
    "open-webui:auth:token:3f-1_a:revoked 86400000 1",
    "open-webui:auth:user:5c:revoked_at -1 1764000000",
    "open-webui:auth:user:bad key:revoked_at -1 1",
    "",
  ].join("\n");
  expect(parseSignOuts(text, 1_000)).toEqual([
    { key: "open-webui:auth:token:3f-1_a:revoked", value: "1", until: 86_401_000 },
    { key: "open-webui:auth:user:5c:revoked_at", value: "1764000000" },
  ]);
  expect(parseSignOuts("\n", 0)).toEqual([]);
});

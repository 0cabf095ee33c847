/** The cache out of a point: a file that Valkey starts from, and what was signed out since, so that nobody gets in again. */
import { createWriteStream } from "node:fs";
import { chown, lstat, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { writeWhole } from "../memory.ts";
import { DATA } from "../place.ts";
import { containerOf } from "../services.ts";
import { runningCache, valkeyCli } from "../valkey.ts";

const BASE = "appendonly.aof.1.base.rdb";

/**
 * Makes a copy (RDB) what Valkey starts from: the base of an append-only file with nothing appended yet. A `dump.rdb` would
 * not be read beside one. Valkey must not run.
 */
export async function writeCacheBase(copy: Readable, folder = join(DATA, "valkey")): Promise<void> {
  const { uid, gid } = await lstat(folder);
  const made = join(folder, "appendonlydir.new");
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { mode: 0o755 });
  await pipeline(copy, createWriteStream(join(made, BASE), { mode: 0o644, flush: true }));
  const manifest = join(made, "appendonly.aof.manifest");
  await writeWhole(manifest, `file ${BASE} seq 1 type b\n`, 0o644);
  for (const path of [join(made, BASE), manifest, made]) await chown(path, uid, gid);
  // Between the two there is no cache; whoever was cut off there does it again.
  await rm(join(folder, "appendonlydir"), { recursive: true, force: true });
  await rename(made, join(folder, "appendonlydir"));
}

export interface SignOut {
  key: string;
  value: string;
  /** Milliseconds since 1970; undefined: for ever. */
  until?: number;
}

/** Tokens, and times before which all tokens of a person are void. */
const PATTERN = "open-webui:auth:*:revoked*";
const LIST = `local out = {} for _, key in ipairs(redis.call('KEYS', ARGV[1])) do out[#out + 1] = key .. ' ' .. redis.call('PTTL', key) .. ' ' .. redis.call('GET', key) end return out`;

/** @returns undefined when the cache does not run */
export async function readSignOuts(now = Date.now()): Promise<SignOut[] | undefined> {
  const id = await containerOf("valkey");
  if (id === undefined) return undefined;
  const said = await commands(id, `EVAL "${LIST}" 0 ${PATTERN}\n`);
  return parseSignOuts(said, now);
}

/** Lines of key, milliseconds left (-1: for ever) and value. */
export function parseSignOuts(text: string, now: number): SignOut[] {
  return [...text.matchAll(/^([\w:.@-]+) (-?\d+) ([\w.-]+)$/gm)].map(
    ([, key = "", left = "", value = ""]) => ({
      key,
      value,
      ...(Number(left) > 0 ? { until: now + Number(left) } : {}),
    }),
  );
}

/** @returns how many keys the cache has then */
export async function writeSignOuts(signOuts: readonly SignOut[]): Promise<number> {
  const id = await runningCache();
  await commands(
    id,
    signOuts
      .map(
        ({ key, value, until }) =>
          `SET ${key} ${value}${until === undefined ? "" : ` PXAT ${until}`}\n`,
      )
      .join(""),
  );
  return Number((await commands(id, "DBSIZE\n")).trim());
}

const commands = (container: string, lines: string) => valkeyCli(container, ["-e"], lines);

/** What a new version of the chat may change beside its database, set aside so that it can come back. */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DATA, RECOVERY } from "../place.ts";
import { run } from "../run.ts";
import { containerOf } from "../services.ts";
import { runningCache, valkeyCli } from "../valkey.ts";

const ASIDE = join(RECOVERY, "set-aside/upgrade");
const UPLOADS = join(DATA, "open-webui/uploads");
/** What the set-up job remembers, and the keys that it hands out: they fit the database of their time. */
const KEYS = ["setup", "chat-key", "server-key"];
/** The key by which the MCP server's tools write to the chat. */
const CHAT_KEY = join(DATA, "hub/chat-key/api-key");

/** Number of the cache's database that keeps the copy; the chat uses 0. */
const COPY = 9;
const MARK = "aihub:set-aside";

/** @returns what could not be set aside, in words */
export async function setAside({ cache }: { cache: boolean }): Promise<string[]> {
  await forgetSetAside({ cache });
  await mkdir(ASIDE, { recursive: true, mode: 0o700 });
  for (const name of KEYS) {
    const from = join(DATA, "hub", name);
    if (!existsSync(from)) continue;
    // Owners and modes as they are; half a copy has another name.
    await run("cp", ["--archive", from, join(ASIDE, `${name}.new`)]);
    await rename(join(ASIDE, `${name}.new`), join(ASIDE, name));
  }
  // Nothing goes to the chat by this way either until it is sure to stay; the set-up job hands it out again.
  await rm(CHAT_KEY, { force: true });
  if (existsSync(UPLOADS)) {
    await run("cp", ["--archive", "--link", UPLOADS, join(ASIDE, "uploads")]);
  }
  return cache ? copyCache() : [];
}

/** Safe to repeat after a kill. */
export async function bringBack({ cache }: { cache: boolean }): Promise<void> {
  if (existsSync(join(ASIDE, "uploads"))) {
    // What is there is the same file; what is missing comes back.
    await run("cp", ["--archive", "--link", "--no-clobber", join(ASIDE, "uploads/."), UPLOADS]);
  }
  for (const name of KEYS) {
    const from = join(ASIDE, name);
    if (!existsSync(from)) continue;
    const to = join(DATA, "hub", name);
    for (const file of await readdir(to).catch(() => [])) {
      if (!existsSync(join(from, file))) await rm(join(to, file), { recursive: true, force: true });
    }
    await run("cp", ["--archive", "--force", "--remove-destination", `${from}/.`, to]);
  }
  if (cache) await script(BRING_CACHE_BACK);
}

export async function forgetSetAside({ cache }: { cache: boolean }): Promise<void> {
  await rm(ASIDE, { recursive: true, force: true });
  if (cache && (await containerOf("valkey"))) await script(FORGET_CACHE);
}

const FORGET_CACHE = `redis.call('SELECT', ${COPY}) redis.call('FLUSHDB') return 'OK'`;

// The mark comes last: half a copy never comes back. It goes in the same step as the exchange, so that this happens once.
const COPY_CACHE = `
  local cursor = '0'
  repeat
    local found = redis.call('SCAN', cursor, 'COUNT', 1000)
    cursor = found[1]
    for _, key in ipairs(found[2]) do redis.call('COPY', key, key, 'DB', ${COPY}, 'REPLACE') end
  until cursor == '0'
  redis.call('SELECT', ${COPY})
  redis.call('SET', '${MARK}', '1')
  return 'OK'`;
const BRING_CACHE_BACK = `
  redis.call('SELECT', ${COPY})
  if redis.call('DEL', '${MARK}') == 0 then return 'NONE' end
  redis.call('SWAPDB', 0, ${COPY})
  redis.call('FLUSHDB')
  return 'OK'`;

async function copyCache(): Promise<string[]> {
  const memory = await valkey(["INFO", "memory"]);
  const number = (name: string) =>
    Number(new RegExp(`^${name}:(\\d+)`, "m").exec(memory)?.[1] ?? 0);
  // Beyond its limit the cache drops keys, and who signed out would be in again.
  if (number("maxmemory") > 0 && number("used_memory") * 2 > number("maxmemory")) {
    return [
      "the cache is too full for a copy of itself, so it would stay as the new version leaves it",
    ];
  }
  await script(COPY_CACHE);
  return [];
}

async function script(text: string): Promise<string> {
  const said = (await valkey(["EVAL", text, "0"])).trim();
  if (said !== "OK" && said !== "NONE") throw new Error(`the cache answers: ${said.slice(0, 200)}`);
  return said;
}

async function valkey(command: string[]): Promise<string> {
  return valkeyCli(await runningCache(), command);
}

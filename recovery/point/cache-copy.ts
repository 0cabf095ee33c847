/** What the cache holds: who signed out, above all. A point without it would let them in again. */
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { DATA } from "../place.ts";
import { containerOf } from "../services.ts";
import { valkeyCli } from "../valkey.ts";

const NAME = "recovery.rdb";

/** @returns false when the cache does not run: the point is taken without it and says so */
export async function copyCache(to: string): Promise<boolean> {
  const id = await containerOf("valkey");
  if (id === undefined) return false;
  await valkeyCli(id, ["--rdb", `/data/${NAME}`]);
  const made = join(DATA, "valkey", NAME);
  if (!existsSync(made)) throw new Error("the cache gave no copy of itself");
  await rename(made, to);
  return true;
}

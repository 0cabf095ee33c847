/** What restores put aside, and what was fetched to be looked at, is kept for a week. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { RECOVERY } from "../place.ts";

const KEPT_MS = 7 * 86_400_000;

/** @returns what was removed. To be called under the lock: the scratch folder of an operation at work is younger anyway. */
export async function sweepSetAside(now = Date.now()): Promise<string[]> {
  const removed: string[] = [];
  for (const folder of ["set-aside", "looks"]) {
    for (const name of await readdir(join(RECOVERY, folder)).catch(() => [])) {
      const path = join(RECOVERY, folder, name);
      // What lies in it has the times of long ago.
      if (now - (await stat(path)).ctimeMs < KEPT_MS) continue;
      await rm(path, { recursive: true, force: true });
      removed.push(path);
    }
  }
  return removed;
}

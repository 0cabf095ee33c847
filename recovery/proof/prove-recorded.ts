/** Proves a point of this hub, by a reader that has nothing from the one who wrote it, and remembers how that went. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { recall, remember } from "../memory.ts";
import type { OpenHub } from "../open-hub.ts";
import { hubRepository } from "../open-repository.ts";
import { DATA, RECOVERY } from "../place.ts";
import { record } from "../report.ts";
import type { Past } from "./floors.ts";
import { type Proof, prove } from "./prove.ts";

/** `snapshot`: id of the point. Default: the newest. */
export async function proveRecorded(
  { secrets }: Pick<OpenHub, "secrets">,
  snapshot?: string,
): Promise<Proof> {
  // A cache of its own, empty: what is proven came from the repository.
  const cacheDir = join(RECOVERY, "cache-of-proof");
  await rm(cacheDir, { recursive: true, force: true });
  try {
    const reader = await hubRepository(secrets, { cacheDir });
    const past = await recall<Past>("proven");
    const result = await prove(reader, {
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(past ? { past } : {}),
      data: DATA,
    });
    await remember("proven", result.past);
    await record((state) => {
      const { time, snapshot = "", good, problems } = result.proof;
      state.lastProof = {
        time,
        snapshot,
        good,
        problems: problems.map(({ what, where, fix }) => `${what} (${where}). ${fix}`),
      };
      if (good) state.lastGoodProof = time;
    });
    return result.proof;
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
}

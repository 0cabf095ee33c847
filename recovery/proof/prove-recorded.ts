/** Proves a point of this hub, by a reader that has nothing from the one who wrote it, and remembers how that went. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { recall, remember } from "../memory.ts";
import type { OpenHub } from "../open-hub.ts";
import { hubRepository } from "../open-repository.ts";
import { DATA, RECOVERY } from "../place.ts";
import { record, type Standing } from "../report.ts";
import type { Past } from "./floors.ts";
import type { Problem } from "./problem.ts";
import { NO_CANARY, type Proof, prove } from "./prove.ts";

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
    await record((state) => noteProof(state, result.proof));
    return result.proof;
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
}

/** That a night could write no canary stays told until there is a point with one: those of the day need none. */
export function noteProof(state: Standing, proof: Proof): void {
  const { time, snapshot = "", good } = proof;
  const told = proof.problems.map((problem) => ({ problem, text: textOf(problem) }));
  const problems = told.map(({ text }) => text);
  const own = told.find(({ problem }) => problem.what === NO_CANARY)?.text;
  const noCanary = own ?? (proof.canary ? undefined : state.lastProof?.noCanary);
  if (noCanary !== undefined && own === undefined) {
    problems.push(noCanary);
    proof.notes.push("The last night's point had no canary: that stays told until one has");
  }
  state.lastProof = {
    ...{ time, snapshot, good: problems.length === 0, problems },
    ...(noCanary === undefined ? {} : { noCanary }),
  };
  if (good) state.lastGoodProof = time;
}

function textOf({ what, where, fix }: Problem): string {
  return `${what} (${where}). ${fix}`;
}

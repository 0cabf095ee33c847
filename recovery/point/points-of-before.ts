/**
 * Points in the repository from before this volume, by a hub that is gone: the new one, which holds nothing yet, makes its own
 * beside them. Letting go by the clock, it would put its empty points in the place of the last ones of a day that were full.
 */
import { recall, remember } from "../memory.ts";
import { standing } from "../report.ts";
import type { Repository } from "../repository/restic.ts";
import { POINT_TAG } from "../repository/retention-policy.ts";

/** Time to bring the hub back. Who has not done so by then does without. */
const WAIT_MS = 7 * 86_400_000;
const NAME = "brought-back";

/** The whole hub was brought back on this volume: what was before it may go like everything else. */
export async function noteBroughtBack(point: string): Promise<void> {
  await remember(NAME, { point, time: new Date().toISOString() });
}

/** Whether such points still wait to be brought back. */
export async function waitToBeBroughtBack(
  repository: Repository,
  now = new Date(),
): Promise<boolean> {
  const since = Date.parse((await standing()).since);
  if (now.getTime() - since > WAIT_MS || (await recall(NAME)) !== undefined) return false;
  const points = await repository.snapshots({ tags: [POINT_TAG] });
  return points.some(({ time }) => Date.parse(time) < since);
}

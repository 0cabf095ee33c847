/** The second copy is no backup because it was sent: it is read back, checked and kept small like the first place. */
import { letGo } from "../point/let-go.ts";
import type { Progress } from "../progress.ts";
import { record, troubleOf } from "../report.ts";
import type { Repository } from "../repository/restic.ts";
import type { RetentionPolicy } from "../repository/retention-policy.ts";
import { reopenPoint } from "../restore/open-point.ts";
import { checkData } from "./check-data.ts";

/**
 * What is wrong is remembered as the copy's. `snapshot`: what was sent there tonight; undefined when it was full, and only
 * room is to be made.
 * @returns whether what was read is whole
 */
export async function tendCopy(
  copy: Repository,
  snapshot: string | undefined,
  keep: RetentionPolicy,
  progress: Progress,
): Promise<boolean> {
  const whole = snapshot === undefined || (await readBack(copy, snapshot, progress));
  await letGo(copy, keep, progress, "copy");
  return whole;
}

async function readBack(copy: Repository, snapshot: string, progress: Progress): Promise<boolean> {
  try {
    await progress.step("Reading the second copy back", () => find(copy, snapshot));
  } catch (error) {
    const trouble = troubleOf(error);
    progress.note(`  not good: ${trouble.what}`);
    await record((state) => {
      state.copyCheckProblem = trouble;
    });
    return false;
  }
  return progress.step("Reading a part of the copy's data", () => checkData(copy, "copy"));
}

async function find(copy: Repository, snapshot: string): Promise<void> {
  const points = await copy.snapshots();
  if (!points.some(({ id }) => id === snapshot)) {
    throw new Error(`snapshot ${snapshot.slice(0, 8)}, just sent there, is not in it`);
  }
  await reopenPoint(copy, snapshot);
}

/** What was cut off is ended before a point is taken: half-restored data make none. */
import { operationKinds } from "../operations.ts";
import type { Progress } from "../progress.ts";
import { recordPoint } from "../report.ts";
import { resume } from "../resume.ts";

/** @throws why it cannot be ended, once that is remembered: for as long, nobody takes a point */
export async function resumeFirst(progress: Progress): Promise<void> {
  try {
    await resume(operationKinds, progress);
  } catch (error) {
    await recordPoint(error as Error);
    throw error;
  }
}

/** Takes a recovery point, and remembers how that went. */
import type { Progress } from "../progress.ts";
import { recordPoint } from "../report.ts";
import type { Reason } from "./point.ts";
import { type PointSource, type Taken, takePoint } from "./take.ts";

/** @throws what `takePoint` throws, once it is remembered */
export async function takeRecorded(
  source: PointSource,
  reason: Reason,
  progress: Progress,
): Promise<Taken> {
  try {
    const taken = await takePoint(source, reason, progress);
    await recordPoint(taken, source.copy !== undefined);
    return taken;
  } catch (error) {
    await recordPoint(error as Error);
    throw error;
  }
}

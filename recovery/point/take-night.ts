/** The night's point: a place that is full gets room, and whatever hinders the point does not hinder the rest of the night. */
import type { Progress } from "../progress.ts";
import { LostRepositoryError } from "../repository/remembered-repository.ts";
import { RepositoryError } from "../repository/repository-error.ts";
import type { Taken } from "./take.ts";

export interface Night {
  taken?: Taken;
  /** Why there is no point; to be thrown when the rest is done. */
  failure?: Error;
}

/** `makeRoom` lets old points go. Never throws. */
export async function takeNight(
  take: () => Promise<Taken>,
  makeRoom: () => Promise<void>,
  progress: Progress,
): Promise<Night> {
  const once = (): Promise<Night> =>
    take().then(
      (taken) => ({ taken }),
      (error) => ({ failure: error as Error }),
    );
  const first = await once();
  if (!isFull(first.failure)) return first;
  progress.note("the place of the recovery points is full: once more when old ones are let go");
  try {
    await makeRoom();
  } catch (error) {
    progress.note(`no room was made: ${(error as Error).message}`);
    return first;
  }
  return once();
}

/** Whether the place of the points is there to be read, as far as a point's failure tells. */
export function isThere(failure: Error | undefined): boolean {
  if (failure instanceof LostRepositoryError) return false;
  return !(failure instanceof RepositoryError) || isFull(failure);
}

export function isFull(failure: Error | undefined): boolean {
  return failure instanceof RepositoryError && failure.kind === "no-space";
}

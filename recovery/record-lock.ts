/** One record at a time: some verbs tell how it stands while another one works for an hour. */
import { holdLock } from "./held-lock.ts";

/** A record takes milliseconds. */
const PATIENCE_SECONDS = 60;

/**
 * Works while no other process does so with the same folder. Without the lock, for want of `flock` or of patience, it is done
 * all the same: a fact that may be lost is better than one that is.
 */
export async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const letGo = await holdLock(folder, PATIENCE_SECONDS);
  try {
    return await work();
  } finally {
    await letGo?.();
  }
}

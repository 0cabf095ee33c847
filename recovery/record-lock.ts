/** One record at a time: some verbs tell how it stands while another one works for an hour. */
import { spawn } from "node:child_process";

/** A record takes milliseconds. */
const PATIENCE_SECONDS = 60;

/**
 * Works while no other process does so with the same folder. The kernel lets go when either of the two programs dies. Without
 * the lock, for want of `flock` or of patience, it is done all the same: a fact that may be lost is better than one that is.
 */
export async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn(
    "flock",
    ["--exclusive", "--timeout", String(PATIENCE_SECONDS), folder, "cat"],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const ended = new Promise<void>((resolve) => {
    holder.once("error", () => resolve());
    holder.once("close", () => resolve());
  });
  holder.stdin.on("error", () => {});
  holder.stdin.write("\n");
  // What `cat` gives back says that the lock is held.
  const held = new Promise((resolve) => holder.stdout.once("data", resolve));
  await Promise.race([held, ended]);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

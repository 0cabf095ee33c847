/** A lock of the kernel that is held by a program beside this one: it lets go when either of the two dies, however that is. */
import { spawn } from "node:child_process";

/**
 * @param path file or folder that the lock is on
 * @param seconds how long to wait for another holder
 * @returns lets go of it; undefined: it could not be had, for want of patience or of `flock`
 */
export async function holdLock(
  path: string,
  seconds: number,
): Promise<(() => Promise<void>) | undefined> {
  const holder = spawn("flock", ["--exclusive", "--timeout", String(seconds), path, "cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => {
    holder.once("error", () => resolve());
    holder.once("close", () => resolve());
  });
  holder.stdin.on("error", () => {});
  holder.stdin.write("\n");
  // What `cat` gives back says that the lock is held.
  const held = new Promise<true>((resolve) => holder.stdout.once("data", () => resolve(true)));
  if (!(await Promise.race([held, ended]))) return undefined;
  return async () => {
    holder.stdin.end();
    await ended;
  };
}

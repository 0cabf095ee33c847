/**
 * One run at a time changes anything. The kernel lets go of the lock when its owner dies, however it dies; a program that
 * outlives it, like a restic that still sends, keeps it until it ends.
 */
import { spawnSync } from "node:child_process";
import { UserError } from "../hub/user-error.ts";
import { lockWait } from "./verbs.ts";

const FILE = process.env.AIHUB_RECOVERY_LOCK ?? "/run/aihub-recovery.lock";
const BUSY = 75;

/** @returns whether to go on; false: it was done, under the lock, by a process of its own */
export async function underLock(name: string, args: string[]): Promise<boolean> {
  const seconds = lockWait(name, args);
  if (seconds === undefined || process.env.AIHUB_RECOVERY_LOCKED === "1") return true;
  const { status, signal } = spawnSync(
    "flock",
    [
      ...["--exclusive", "--timeout", String(seconds), "--conflict-exit-code", String(BUSY), FILE],
      ...[process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    ],
    { stdio: "inherit", env: { ...process.env, AIHUB_RECOVERY_LOCKED: "1" } },
  );
  if (status === BUSY) {
    if (args.includes("--skip-when-busy")) {
      process.stderr.write("another run of it goes on: nothing to do\n");
      return false;
    }
    throw new UserError(
      "Another run holds the lock.\n  fix: wait for it to end; systemctl status 'aihub-*' on the host shows which it is",
    );
  }
  process.exitCode = signal ? 1 : (status ?? 1);
  return false;
}

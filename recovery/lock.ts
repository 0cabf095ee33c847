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
  const tried = (patience: number) =>
    spawnSync(
      "flock",
      [
        ...["--exclusive", "--timeout", String(patience), "--conflict-exit-code", String(BUSY)],
        ...[FILE, process.execPath, ...process.execArgv, ...process.argv.slice(1)],
      ],
      { stdio: "inherit", env: { ...process.env, AIHUB_RECOVERY_LOCKED: "1" } },
    );
  let { status, signal } = tried(0);
  if (status === BUSY && seconds > 0) {
    // A night's run may take hours, and who waits for a file of his is to know for what.
    process.stderr.write(
      `Another run goes on, such as the night's; waiting for its end, for ${Math.round(seconds / 60)} minutes at most\n`,
    );
    ({ status, signal } = tried(seconds));
  }
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

/** The process that is an instance's simulated cloud. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../hub/user-error.ts";
import type { Instance } from "./instance.ts";

export interface Daemon {
  pid: number;
  apiUrl: string;
  spacesUrl: string;
}

/** Milliseconds: one that is slow to answer on a machine at work runs all the same, and another must not be started beside it. */
const PATIENCE = 60_000;
const STOP_TRIES = 1_200;

/** The daemon of the instance, when it runs. */
export async function runningCloud(instance: Instance): Promise<Daemon | undefined> {
  try {
    const daemon = JSON.parse(
      await readFile(join(instance.cloudDir, "daemon.json"), "utf8"),
    ) as Daemon;
    process.kill(daemon.pid, 0);
    await fetch(`${daemon.apiUrl}/v2/account`, { signal: AbortSignal.timeout(PATIENCE) });
    return daemon;
  } catch {
    return undefined;
  }
}

/** Stops the daemon and waits until it is gone; the droplets stay. */
export async function stopCloud(instance: Instance): Promise<void> {
  const daemon = await runningCloud(instance);
  if (!daemon) return;
  process.kill(daemon.pid, "SIGTERM");
  for (let tries = 0; tries < STOP_TRIES; tries++) {
    try {
      process.kill(daemon.pid, 0);
    } catch {
      return;
    }
    await sleep(100);
  }
  throw new UserError(`The simulated DigitalOcean (process ${daemon.pid}) does not end`);
}

/** Debian's packages, where this process may install them. */
import type { Log } from "../progress.ts";
import { run } from "./run.ts";

const env = { DEBIAN_FRONTEND: "noninteractive" };
/** A machine's own updates may hold the lock for minutes. */
const wait = ["-o", "DPkg::Lock::Timeout=300"];

export async function updatePackageLists(log: Log): Promise<void> {
  await run(log, "apt-get", [...wait, "update"], { env });
}

export async function installPackages(log: Log, packages: readonly string[]): Promise<void> {
  const flags = ["install", "--yes", "--no-install-recommends"];
  await run(log, "apt-get", [...wait, ...flags, ...packages], { env });
}

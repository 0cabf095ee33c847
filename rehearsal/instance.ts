/** One rehearsal on this machine: its name, its loopback addresses and where it keeps its state. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../hub/user-error.ts";

export interface Instance {
  name: string;
  /** Second byte of its addresses: API 127.<block>.0.1, droplets 127.<block>.1.n, reserved IPs 127.<block>.2.n. */
  block: number;
  /** Everything it keeps; removed by `destroy --purge`. */
  stateDir: string;
  /** The simulated cloud's own state. */
  cloudDir: string;
  /** Folder that the engine works in, so that the checkout is never written to. */
  projectDir: string;
  /** Whether 127.0.0.1:80 and :443 lead to it, so that a browser on this machine finds it under its name. */
  publishLocalhost: boolean;
}

export const namePattern = /^[a-z][a-z0-9-]{0,20}$/;

/** The instance that AIHUB_INSTANCE names; default "rehearsal", the one that a browser can open. */
export function currentInstance(name = process.env.AIHUB_INSTANCE ?? "rehearsal"): Instance {
  if (!namePattern.test(name)) {
    throw new UserError(
      `AIHUB_INSTANCE="${name}" is not a name of at most 21 lower-case letters, digits and hyphens`,
    );
  }
  const state = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const stateDir = join(state, "aihub", name);
  return {
    name,
    block:
      name === "rehearsal" ? 77 : 80 + ((createHash("sha256").update(name).digest()[0] ?? 0) % 160),
    stateDir,
    cloudDir: join(stateDir, "cloud"),
    projectDir: join(stateDir, "project"),
    publishLocalhost: name === "rehearsal",
  };
}

/** The mark on what a simulated cloud leaves in the machine's firewall. */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";

/** Same for every daemon on this state directory, and for its purge. */
export function ownerOf(stateDir: string): string {
  return `aihub-${createHash("sha256").update(realpathSync(stateDir)).digest("hex").slice(0, 24)}`;
}

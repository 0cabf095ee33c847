/** What a recovery point leaves out of the volume: what is rebuilt, and what cannot be copied while it is written to. */
import { join } from "node:path";
import { DAMAGED_PACKS, DATA, RECOVERY, STATUS } from "../place.ts";

const workspaceState = "workspace/.aihub";

export const leftOut: readonly string[] = [
  "lost+found",
  // In the point as a dump and a copy of their own.
  "postgres",
  "valkey",
  ...[
    "history.db",
    "history.db-wal",
    "history.db-shm",
    "history.db.new",
    "lock.db",
    "unfinished",
  ].map((name) => join(workspaceState, name)),
  // Fetched or made again by themselves.
  "open-webui/cache",
  "code-server/.cache",
  "code-server/.npm/_cacache",
  "code-server/.local/share/code-server/logs",
  "code-server/.local/share/code-server/CachedExtensionVSIXs",
  "code-server/.local/share/code-server/CachedProfilesData",
  // A socket, and what is only true now.
  "hub/door",
]
  .map((path) => join(DATA, path))
  .concat([
    STATUS,
    DAMAGED_PACKS,
    // A record of what is at work now would be ended by whoever restores it.
    join(RECOVERY, "operation.json"),
    join(RECOVERY, "cache"),
    join(RECOVERY, "cache-of-proof"),
    // Fetched again from where it is pushed to.
    join(RECOVERY, "git"),
    join(RECOVERY, "looks"),
    join(RECOVERY, "set-aside"),
  ]);

/** Whether a file of the chat that lies there gets into a point. */
export function isHeld(path: string): boolean {
  return (
    path.startsWith(`${DATA}/open-webui/`) &&
    !leftOut.some((out) => `${path}/`.startsWith(`${out}/`))
  );
}

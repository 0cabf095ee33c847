/**
 * The MCP server's journal: a copy that is whole by itself, with nothing of the one that was there. The folder came out of the
 * point, where people may have put links.
 */
import { constants, lchown, lstat, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { OpenHub } from "../open-hub.ts";
import { STAGING } from "../place.ts";
import type { OpenPoint } from "./open-point.ts";
import { inPinnedFolder } from "./pinned-folder.ts";
import { WORKSPACE } from "./restore-files.ts";

const STATE = ".aihub";
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export async function restoreHistory(
  { repository }: OpenHub,
  { snapshot, point }: OpenPoint,
): Promise<void> {
  await ensureState();
  await inPinnedFolder(WORKSPACE, [STATE], async (folder) => {
    const [path, next] = [join(folder, "history.db"), join(folder, "history.db.new")];
    for (const old of [`${path}-wal`, `${path}-shm`, join(folder, "lock.db"), next]) {
      await rm(old, { recursive: true, force: true });
    }
    if (!point.history) return rm(path, { force: true });
    const { uid, gid } = await stat(folder);
    const file = await open(next, NEW, 0o600);
    await file.chown(uid, gid);
    await pipeline(
      repository.dump(snapshot, join(STAGING, "history.db")),
      file.createWriteStream({ flush: true }),
    );
    await rename(next, path);
  });
}

async function ensureState(): Promise<void> {
  const folder = join(WORKSPACE, STATE);
  const there = await lstat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  // Brought back again at each resume, so it cannot be moved away by hand.
  await rm(folder, { force: true });
  await mkdir(folder, 0o700);
  const { uid, gid } = await stat(WORKSPACE);
  await lchown(folder, uid, gid);
}

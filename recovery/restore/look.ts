/** Fetches what a point holds into a folder of its own; nothing else is touched. */
import { mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import type { OpenHub } from "../open-hub.ts";
import { DATA, RECOVERY } from "../place.ts";
import { literalPattern } from "../repository/restic.ts";
import { differences, type Listing } from "./differences.ts";
import type { OpenPoint } from "./open-point.ts";
import { WORKSPACE } from "./restore-files.ts";
import { requireRoom } from "./room.ts";
import { workspacePath } from "./workspace-path.ts";

export interface Looked {
  what: "look";
  point: string;
  folder: string;
  files: number;
  bytes: number;
}

/** Paths within the workspace, or absolute ones on the volume; none: everything, with the dump and the secrets. */
export async function look(
  { repository }: Pick<OpenHub, "repository">,
  { point, snapshot }: OpenPoint,
  { paths, to = join(RECOVERY, "looks", point.name) }: { paths: readonly string[]; to?: string },
): Promise<Looked> {
  const folder = resolve(to);
  if (to !== join(RECOVERY, "looks", point.name)) {
    const there = await readdir(folder).catch(() => []);
    if (there.length > 0) {
      throw new UserError(
        `${folder} is not empty, and nothing is overwritten.\n  fix: name another folder with --to`,
      );
    }
  }
  const wanted = paths
    .map((path) =>
      path.startsWith(`${DATA}/`)
        ? path.slice(DATA.length).replace(/\/+$/, "")
        : join(WORKSPACE, workspacePath(path)).slice(DATA.length),
    )
    .filter(Boolean);
  const missing = new Set(wanted);
  // It may hold anything: dumps, keys, chats.
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const listed = repository.ls(snapshot, DATA, { recursive: true });
  const { bytes: needed } = await differences(among(listed, wanted, missing), {
    from: DATA,
    target: folder,
  });
  // On the volume, as by default, it must not fill it up under the hub.
  await requireRoom(needed, "What is to be looked at", folder);
  const { filesRestored, filesSkipped, bytes } = await repository.restore({
    snapshot: `${snapshot}:${DATA}`,
    target: folder,
    include: wanted.map(literalPattern),
  });
  const files = filesRestored + filesSkipped;
  if (files === 0 || missing.size > 0) {
    const none = [...missing].map((path) => path.slice(1)).join(", ") || paths.join(", ");
    throw new UserError(
      `The point ${point.name} has none of ${none}.${files > 0 ? ` The rest lies in ${folder}.` : ""}\n  fix: restore look without a path fetches all of it`,
    );
  }
  return { what: "look", point: point.name, folder, files, bytes };
}

/** What lies at one of these paths of the volume, or below; of none: everything. Who is found is no longer missing. */
async function* among(
  listed: AsyncIterable<Listing>,
  paths: readonly string[],
  missing: Set<string>,
): AsyncGenerator<Listing> {
  for await (const node of listed) {
    const path = node.path.slice(DATA.length);
    missing.delete(path);
    if (paths.length === 0 || paths.some((one) => `${path}/`.startsWith(`${one}/`))) yield node;
  }
}

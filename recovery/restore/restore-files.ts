/** One project, file or folder of the workspace, as a recovery point holds it. The hub goes on serving. */
import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { UserError } from "../../hub/user-error.ts";
import type { OpenHub } from "../open-hub.ts";
import { Operation, type OperationKind } from "../operation.ts";
import { DATA, RECOVERY } from "../place.ts";
import { progress as onStandardError, type Progress } from "../progress.ts";
import { literalPattern, type Repository } from "../repository/restic.ts";
import { openFolder } from "./open-folder.ts";
import type { OpenPoint } from "./open-point.ts";
import { inPinnedFolder } from "./pinned-folder.ts";
import { takeSafetyPoint } from "./point-of-the-present.ts";
import { requireRoom } from "./room.ts";

export const WORKSPACE = join(DATA, "workspace");

const steps = [
  /** Everything as it is now, into a point of its own. */
  "point",
  /** Out of the repository, on the same file system. */
  "stage",
  /** From here on a resume goes forward. */
  "swap",
] as const;
type Step = (typeof steps)[number];

const params = z.object({
  snapshot: z.string(),
  /** Paths within the workspace: in the point, and where it goes. */
  from: z.string(),
  to: z.string(),
  withoutSafetyCopy: z.boolean(),
});
type Params = z.infer<typeof params>;

export interface RestoredFiles {
  what: "files";
  point: string;
  time: string;
  from: string;
  to: string;
  files: number;
  bytes: number;
  /** Where what was there before is kept for a week; unset when nothing was. */
  setAside?: string;
  pointOfThePresent?: string;
  seconds: number;
}

export const restoreFilesKind: OperationKind<Step, Params> = {
  kind: "restore-files",
  steps,
  params,
  async resume(operation) {
    if (operation.step === "swap") await swap(operation);
    await end(operation);
    onStandardError.note(
      operation.step === "swap"
        ? `${operation.params.to} is as the point has it`
        : "The restore was taken back; the workspace is as it was",
    );
  },
};

/** @throws UserError, RepositoryError */
export async function restoreFiles(
  hub: OpenHub,
  { point, snapshot }: OpenPoint,
  options: Omit<Params, "snapshot">,
  progress: Progress,
): Promise<RestoredFiles> {
  const { repository } = hub;
  const { from, to, withoutSafetyCopy } = options;
  const size = await sizeInPoint(repository, snapshot, from, point.name);
  await requireRoom(size.bytes, from);
  // Said before anything is fetched.
  await inParent(to, async () => undefined);
  const operation = await Operation.begin(restoreFilesKind, { ...options, snapshot });
  let aside: string | undefined;
  try {
    if (!withoutSafetyCopy) operation.pointOfThePresent = await takeSafetyPoint(hub, progress);
    await operation.enter("stage");
    await progress.step(`Fetching ${from} as it was`, () => stage(operation, repository));
    await operation.enter("swap");
    aside = await swap(operation);
  } catch (error) {
    if (operation.step !== "swap") await end(operation);
    throw error;
  }
  await end(operation);
  return {
    what: "files",
    point: point.name,
    time: point.time,
    from,
    to,
    ...size,
    ...(aside === undefined ? {} : { setAside: aside }),
    ...(operation.pointOfThePresent === undefined
      ? {}
      : { pointOfThePresent: operation.pointOfThePresent }),
    seconds: (Date.now() - Date.parse(operation.startedAt)) / 1000,
  };
}

/** @throws UserError when the point does not have it */
export async function sizeInPoint(
  repository: Repository,
  snapshot: string,
  path: string,
  pointName: string,
): Promise<{ files: number; bytes: number }> {
  const whole = join(WORKSPACE, path);
  let found = false;
  let [files, bytes] = [0, 0];
  const parent = dirname(whole);
  for await (const node of repository.ls(snapshot, parent)) {
    if (node.path !== whole) continue;
    found = true;
    if (node.type !== "dir") return { files: 1, bytes: node.size };
  }
  if (!found) {
    throw new UserError(
      `The point ${pointName} has no ${path} in the workspace.\n  fix: choose another point, or look around in this one: npm run hub -- restore look`,
    );
  }
  for await (const node of repository.ls(snapshot, whole, { recursive: true })) {
    if (node.type === "dir") continue;
    files++;
    bytes += node.size;
  }
  return { files, bytes };
}

type FilesOperation = Operation<Step, Params>;

const staged = ({ id, params: { from } }: FilesOperation) => join(RECOVERY, "looks", id, from);
const asideOf = ({ id, params: { to } }: FilesOperation) => join(RECOVERY, "set-aside", id, to);

async function stage(operation: FilesOperation, repository: Repository): Promise<void> {
  const { snapshot, from } = operation.params;
  const target = join(RECOVERY, "looks", operation.id);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true, mode: 0o700 });
  await repository.restore({
    snapshot: `${snapshot}:${WORKSPACE}`,
    target,
    include: [literalPattern(`/${from}`)],
  });
  if (!(await isThere(staged(operation)))) throw new Error(`${from} was not restored`);
}

/** What is there goes aside, what was fetched takes its place. May be cut off and done again. @returns where the old one is */
async function swap(operation: FilesOperation): Promise<string | undefined> {
  const fetched = staged(operation);
  let aside = asideOf(operation);
  if (await isThere(fetched)) {
    await inParent(operation.params.to, async (folder) => {
      const place = join(folder, basename(operation.params.to));
      if (await isThere(place)) {
        // Somebody may have made it anew while nobody was at work here.
        for (let copy = 1; await isThere(aside); copy++) aside = `${asideOf(operation)}.${copy}`;
        await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
        await rename(place, aside);
      }
      await rename(fetched, place);
    });
  }
  return (await isThere(aside)) ? aside : undefined;
}

/** The folder that something goes into; made with the workspace's owner when the folders on the way are gone. */
async function inParent<T>(path: string, work: (folder: string) => Promise<T>): Promise<T> {
  const parts = path.split("/").slice(0, -1);
  await openFolder(WORKSPACE, parts);
  return inPinnedFolder(WORKSPACE, parts, work);
}

async function end(operation: FilesOperation): Promise<void> {
  await rm(join(RECOVERY, "looks", operation.id), { recursive: true, force: true });
  await operation.done();
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

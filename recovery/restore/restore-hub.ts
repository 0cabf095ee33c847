/** The whole hub, or its chats alone, as a recovery point holds them. */
import { mkdir, readdir, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { tagOf } from "../../hub/images.ts";
import { UserError } from "../../hub/user-error.ts";
import { writeWhole } from "../memory.ts";
import { type OpenHub, openHub } from "../open-hub.ts";
import { Operation, type OperationKind } from "../operation.ts";
import { CURRENT, DATA, RECOVERY, STAGING } from "../place.ts";
import { readPoint } from "../point/point.ts";
import { noteBroughtBack } from "../point/points-of-before.ts";
import { progress as onStandardError, type Progress } from "../progress.ts";
import { CANARY_CHAT, CANARY_PROJECT } from "../proof/canary.ts";
import { AT_WORK } from "../resume.ts";
import { countRows, type Rows } from "../rows.ts";
import { start } from "../run.ts";
import { serviceImages } from "../services.ts";
import { startService, stopServices } from "./at-rest.ts";
import { switchAutomationsOff } from "./automations-off.ts";
import { readSignOuts, type SignOut, writeCacheBase, writeSignOuts } from "./cache-base.ts";
import { leftAlone, UPLOADS } from "./left-alone.ts";
import { type OpenPoint, reopenPoint } from "./open-point.ts";
import { takeSafetyPoint } from "./point-of-the-present.ts";
import { filesOf } from "./preview.ts";
import { restoreHistory } from "./restore-history.ts";
import {
  asideName,
  fewer,
  loadDatabase,
  restoredName,
  swapDatabases,
} from "./restored-database.ts";
import { RolloutLock } from "./rollout-lock.ts";
import { requireRoom } from "./room.ts";
import { signInAsAdmin } from "./sign-in.ts";
import { checkVersions } from "./versions.ts";

const steps = [
  /** Everything as it is now, into a point of its own. */
  "point",
  /** The database beside the one that is used. The hub still serves. */
  "load",
  "stop",
  /** From here on a resume goes forward. */
  "files",
  "cache",
  "database",
  "start",
  "verify",
  "clean",
] as const;
type Step = (typeof steps)[number];

/** What a resume undoes: nothing that is used was changed by then. */
const undone: readonly Step[] = ["point", "load", "stop"];

/** While services stand still for it. */
const still: readonly Step[] = ["stop", "files", "cache", "database"];

const params = z.object({
  what: z.enum(["hub", "chats"]),
  snapshot: z.string(),
  /** A host without data of its own. */
  fresh: z.boolean(),
  withoutSafetyCopy: z.boolean(),
  /** ISO time at which the chat stopped to answer. */
  stoppedAt: z.string().optional(),
});
type Params = z.infer<typeof params>;

export interface Restored {
  what: Params["what"];
  point: string;
  snapshot: string;
  /** ISO time that everything is of. */
  time: string;
  /** Rows by table, as the chat has them now. */
  rows: Rows;
  files?: { restored: number; removed: number; bytes: number };
  /** Keys in the cache; unset when it was left as it is. */
  cacheKeys?: number;
  pointOfThePresent?: string;
  seconds: number;
  /** Without an answering chat. */
  downtimeSeconds: number;
  notes: string[];
}

/** Folders whose keys and passwords fit the database: they go with it. */
const keysOfTheChat = ["hub/setup", "hub/chat-key", "hub/server-key"];

export const restoreKind: OperationKind<Step, Params> = {
  kind: "restore",
  steps,
  params,
  async resume(operation) {
    const hub = await openHub();
    if (undone.includes(operation.step)) {
      await undo(operation, hub, onStandardError);
      return;
    }
    const opened = await keptPoint(hub, operation);
    await carryOut(operation, hub, opened, onStandardError);
  },
};

/** @throws UserError, RepositoryError, ProgramError */
export async function restoreHub(
  hub: OpenHub,
  opened: OpenPoint,
  options: Omit<Params, "snapshot" | "stoppedAt">,
  progress: Progress,
): Promise<Restored> {
  checkVersions(opened.point.openWebui, await runningChat());
  await requireRoomForAll(hub, opened, options);
  if (options.fresh) await requireFresh(hub);
  const operation = await Operation.begin(restoreKind, { ...options, snapshot: opened.snapshot });
  return carryOut(operation, hub, opened, progress);
}

async function carryOut(
  operation: Operation<Step, Params>,
  hub: OpenHub,
  opened: OpenPoint,
  progress: Progress,
): Promise<Restored> {
  const { what, fresh, withoutSafetyCopy } = operation.params;
  const { point, snapshot } = opened;
  const { database, repository, settings, secrets } = hub;
  const scratch = scratchOf(operation);
  const rollouts = new RolloutLock();
  const signOutsFile = join(scratch, "sign-outs.json");
  const result: Restored = {
    what,
    point: point.name,
    snapshot,
    time: point.time,
    rows: {},
    seconds: 0,
    downtimeSeconds: 0,
    notes: checkVersions(point.openWebui, await runningChat()),
  };
  const hasCache = point.cache && settings.cache === "embedded";
  const work: Record<Step, () => Promise<void>> = {
    async point() {
      if (fresh) {
        result.notes.push("No point of the present was taken: this host had no data of its own");
      } else if (withoutSafetyCopy) {
        result.notes.push(
          `No point of the present was taken, as was asked; the database as it was stays as ${asideName(database)}`,
        );
      } else {
        operation.pointOfThePresent = await takeSafetyPoint(hub, progress);
      }
    },
    async load() {
      await progress.step("Loading the database beside the one in use", async () => {
        await loadDatabase(repository, opened, database);
        // Beside the hub itself, as in a fire drill: whom its automations reach is not to be reached twice.
        if (!settings.enabled) await switchAutomationsOff(database, restoredName(database));
      });
    },
    async stop() {
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      operation.params.stoppedAt = new Date().toISOString();
      await progress.step("Stopping what writes", () =>
        stopServices(what === "chats" ? ["open-webui", "hub-server", "setup"] : undefined),
      );
      // Who signed out since the point was made stays out. A fresh host knows of nobody.
      const signOuts = hasCache && !fresh ? await readSignOuts() : [];
      await writeWhole(signOutsFile, JSON.stringify(signOuts ?? []), 0o600);
      await writeWhole(join(scratch, POINT), JSON.stringify(point), 0o600);
      // People went on writing since the first one; now nobody does.
      if (operation.pointOfThePresent !== undefined) {
        operation.pointOfThePresent = await takeSafetyPoint(hub, progress);
      }
    },
    async files() {
      if (what === "chats") {
        await progress.step("Bringing back the keys that fit the database", async () => {
          await repository.restore({
            snapshot: `${snapshot}:${DATA}`,
            target: DATA,
            include: keysOfTheChat.map((folder) => `/${folder}`),
            delete: true,
          });
        });
        // What was uploaded since is left: no chat of the point names it.
        await progress.step("Bringing back the uploads of its chats", async () => {
          const { filesRestored, filesDeleted, bytesRestored } = await repository.restore({
            snapshot: `${snapshot}:${DATA}`,
            target: DATA,
            include: [`/${UPLOADS}`],
          });
          result.files = { restored: filesRestored, removed: filesDeleted, bytes: bytesRestored };
        });
        return;
      }
      await progress.step("Bringing back the files", async () => {
        const { filesRestored, filesDeleted, bytesRestored } = await repository.restore({
          snapshot: `${snapshot}:${DATA}`,
          target: DATA,
          exclude: leftAlone(fresh),
          delete: true,
        });
        result.files = { restored: filesRestored, removed: filesDeleted, bytes: bytesRestored };
        await restoreHistory(hub, opened);
      });
    },
    async cache() {
      if (!hasCache) {
        result.notes.push(
          point.cache
            ? "The cache is not on this host and was left as it is: who signed out since is still signed out"
            : "The point holds no cache: the one that is there was left as it is",
        );
        if (settings.cache === "embedded") await startService("valkey");
        return;
      }
      await progress.step("Bringing back the cache", async () => {
        await stopServices(["valkey"]);
        await writeCacheBase(repository.dump(snapshot, join(STAGING, "cache.rdb")));
        await startService("valkey");
        const text = await readFile(signOutsFile, "utf8").catch(() => "[]");
        result.cacheKeys = await writeSignOuts(JSON.parse(text) as SignOut[]);
      });
    },
    async database() {
      if (settings.database === "embedded") await startService("postgres");
      await progress.step("Putting the database in its place", () => swapDatabases(database));
    },
    async start() {
      await rollouts.release();
      await progress.step("Starting everything", () => applyCurrent(operation.id, progress));
    },
    async verify() {
      await progress.step("Looking at what was brought back", async () => {
        result.rows = await countRows(database, { tables: Object.keys(point.database.tables) });
        const promised = Object.entries(point.database.tables);
        const [lost] = fewer(
          Object.fromEntries(promised.filter(([table]) => people.includes(table))),
          result.rows,
        );
        if (lost) {
          throw new UserError(
            `The database was brought back from ${point.name}, and now it has ${lost}.\n  fix: restore another point; the database as it was is ${asideName(database)}`,
          );
        }
        const note = await signInAsAdmin(settings.adminEmail, secrets.adminPassword);
        if (note) result.notes.push(note);
      });
    },
    async clean() {
      if (what === "hub") await noteBroughtBack(point.name);
      if (!withoutSafetyCopy) await database.drop(asideName(database));
      await rm(scratch, { recursive: true, force: true });
    },
  };
  try {
    for (const step of steps.slice(steps.indexOf(operation.step))) {
      await operation.enter(step);
      if (still.includes(step)) await rollouts.hold();
      await work[step]();
      if (step === "start" && operation.params.stoppedAt !== undefined) {
        result.downtimeSeconds = (Date.now() - Date.parse(operation.params.stoppedAt)) / 1000;
      }
    }
  } catch (error) {
    await rollouts.release();
    if (undone.includes(operation.step)) {
      await undo(operation, hub, progress).catch((again: Error) =>
        progress.note(`What was prepared is still there: ${again.message}`),
      );
    } else if (operation.step === "verify") {
      // What was looked at and found wanting is not made better by doing it again at each boot.
      await operation.done();
    } else {
      progress.note(
        `The restore stands at "${operation.step}"; aihub-recovery resume on the host goes on, as does the next start or point`,
      );
    }
    throw error;
  }
  await operation.done();
  if (operation.pointOfThePresent !== undefined) {
    result.pointOfThePresent = operation.pointOfThePresent;
  }
  result.seconds = (Date.now() - Date.parse(operation.startedAt)) / 1000;
  return result;
}

/** In the scratch folder, so that a resume from "files" on gets there without asking the repository for it. */
const POINT = "point.json";

const scratchOf = ({ id }: { id: string }) => join(RECOVERY, "looks", id);

async function keptPoint(
  { repository }: OpenHub,
  operation: Operation<Step, Params>,
): Promise<OpenPoint> {
  const { snapshot } = operation.params;
  const text = await readFile(join(scratchOf(operation), POINT), "utf8").catch(() => undefined);
  if (text === undefined) return reopenPoint(repository, snapshot);
  return { snapshot, point: readPoint(text, `snapshot ${snapshot.slice(0, 8)}`) };
}

/** Tables that nobody but people add to or take from. Others change as soon as the chat starts. */
const people = ["user", "chat", "file", "folder", "knowledge", "note", "channel", "message"].map(
  (table) => `public.${table}`,
);

/** Nothing that is used was changed yet: away with what was prepared. */
async function undo(
  operation: Operation<Step, Params>,
  { database, settings }: OpenHub,
  progress: Progress,
): Promise<void> {
  if (settings.database === "embedded") await startService("postgres");
  await database.drop(restoredName(database));
  await rm(scratchOf(operation), { recursive: true, force: true });
  if (operation.step === "stop") {
    await progress.step("Starting everything again", () => applyCurrent(operation.id, progress));
  }
  await operation.done();
  progress.note("The restore was taken back; the hub is as it was");
}

/** What a rollout does: folders, services, health, the set-up job, the doors. */
async function applyCurrent(operationId: string, progress: Progress): Promise<void> {
  // By its own name: the release is known by its folder's.
  const release = await realpath(CURRENT);
  const running = start("bash", [join(release, "apply.sh")], {
    env: { [AT_WORK]: operationId },
  });
  let last = "";
  for await (const line of createInterface({ input: running.stdout })) {
    progress.note(`  ${line}`);
    last = line;
  }
  await running.ended.catch((error: Error) => {
    throw new UserError(
      `The services do not start: ${last || error.message}\n  fix: see the lines above; when it is put right, aihub-recovery resume on the host goes on`,
    );
  });
}

/** Tag of the chat's image that the release runs. */
async function runningChat(): Promise<string> {
  const images = await serviceImages().catch(
    () => ({}) as Awaited<ReturnType<typeof serviceImages>>,
  );
  const reference =
    images["open-webui"]?.reference ??
    /^ {2}open-webui:\n(?: {4}.*\n)*? {4}image: (\S+)/m.exec(
      await readFile(join(CURRENT, "compose.yaml"), "utf8").catch(() => ""),
    )?.[1];
  return tagOf(reference ?? "") ?? "";
}

/**
 * Files are written once nothing leads back, and what the point does not have goes last: a volume that is full by then would
 * leave the hub where it stands.
 * @throws UserError when the volume has no room for a second database and what the files need
 */
async function requireRoomForAll(
  { repository }: OpenHub,
  { snapshot, point }: OpenPoint,
  options: Pick<Params, "what" | "fresh">,
): Promise<void> {
  // Indexes take about as much again as the text of the rows.
  const rows = point.database.kind === "embedded" ? point.database.bytes * 2 : 0;
  const { bytes } = await filesOf(repository, snapshot, options);
  await requireRoom(rows + bytes, "What comes back, its database beside the one in use,");
}

/** @throws UserError: --fresh is for a host that nobody has used */
async function requireFresh({ database }: OpenHub): Promise<void> {
  const found = await database.sql(
    `SELECT (SELECT count(*) FROM "user") - 1, (SELECT count(*) FROM chat WHERE title <> '${CANARY_CHAT}'), (SELECT count(*) FROM file);`,
  );
  const [people = 0, chats = 0, files = 0] = found.trim().split("\t").map(Number);
  const workspace = (await readdir(join(DATA, "workspace"))).filter(
    (name) => name !== ".aihub" && name !== CANARY_PROJECT,
  );
  if (people > 0 || chats > 0 || files > 0 || workspace.length > 0) {
    throw new UserError(
      `This hub has data of its own (people beside the administrator: ${people}, chats: ${chats}, uploads: ${files}, in the workspace: ${workspace.length}).\n  fix: without --fresh, a point of the present is taken first`,
    );
  }
}

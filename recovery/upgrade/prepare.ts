/** Before an upgrade touches anything that runs: whether it may be, a recovery point, and the rehearsal. */
import { readFile, realpath, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import type { ChatDatabase } from "../database.ts";
import { type HubData, openHubData } from "../open-hub.ts";
import { hubRepository } from "../open-repository.ts";
import { Operation } from "../operation.ts";
import { CURRENT, DATA, ROOT, STAGING } from "../place.ts";
import type { Point } from "../point/point.ts";
import { takeRecorded } from "../point/take-recorded.ts";
import type { Progress } from "../progress.ts";
import { containerOf } from "../services.ts";
import { readSettings } from "../settings.ts";
import { type ChatService, chatServiceOf } from "./chat-service.ts";
import { upgradeKind } from "./operation.ts";
import { rehearse, requireMemory } from "./rehearsal.ts";
import { directionOf, nameOf } from "./version.ts";

const MIB = 1024 * 1024;

/**
 * @param release folder of the arriving release
 * @param secrets file that names the folders of its secrets
 * @param seen image that the chat's data have seen last
 * @throws UserError: the release is refused; nothing that runs was touched
 */
export async function prepareUpgrade(
  { release, secrets, seen }: { release: string; secrets: string; seen: string },
  progress: Progress,
): Promise<void> {
  const wanted = await readSettings(release);
  const arriving = await chatServiceOf(release, secrets);
  const current = await realpath(CURRENT).catch(() => undefined);
  await requireUpward(seen, arriving.image);
  if (current === undefined || (await containerOf("open-webui", true)) === undefined) {
    throw new UserError(
      `This host has not run the chat yet, and its data are of ${nameOf(seen)}: an upgrade here could not be taken back.\n` +
        `  fix: npm run hub -- config set images.openWebui ${seen}, then npm start; then again without it`,
    );
  }
  const hub = await openHubData();
  const { database, settings } = hub;
  await requireSameDatabase(arriving, current);
  await requireRights(database);
  if (settings.database === "embedded") await requireRoom(database);
  const rehearsing = wanted.upgradeWithout === "nothing" || wanted.upgradeWithout === "point";
  const memory = rehearsing ? await requireMemory(arriving.memoryLimit) : 0;
  progress.note(`Open WebUI ${nameOf(seen)} → ${nameOf(arriving.image)}`);

  const taken = await pointBefore(hub, wanted.upgradeWithout, progress);
  const upgrade = await Operation.begin(upgradeKind, {
    from: seen,
    to: arriving.image,
    release: basename(release),
    appliedEnv: await readFile(join(ROOT, "secrets/applied.env"), "utf8"),
    ...(taken ? { point: taken.point.name } : {}),
    rowsBefore: {},
    newest: [],
  });
  if (!rehearsing) {
    progress.note("without a rehearsal, as upgradeWithout says");
    return;
  }
  const login = { email: settings.adminEmail, password: hub.secrets.adminPassword };
  try {
    const { seconds, seen } = await rehearse(
      {
        arriving,
        ...(await copyOf(hub, taken)),
        login,
        memory,
        settings,
        database,
      },
      progress,
    );
    progress.note(`  the new version was ready after ${seconds.toFixed(0)} s: ${seen.join("; ")}`);
  } catch (error) {
    await upgrade.done();
    const { message } = error as Error;
    throw new UserError(
      `Open WebUI ${nameOf(arriving.image)} was tried out on a copy of the data and failed: ${message}\n` +
        "  Nothing that runs was touched.",
    );
  }
}

async function requireUpward(seen: string, to: string): Promise<void> {
  if (directionOf(seen, to) !== "older") return;
  throw new UserError(
    `Open WebUI ${nameOf(to)} is older than ${nameOf(seen)}, which its data have seen; migrations lead one way.\n` +
      `  fix: npm run hub -- config set images.openWebui ${seen}, then npm start\n` +
      '  or: a new stack with the older version, and there npm run hub -- restore hub --fresh --point POINT --stack NEW with a point from before the upgrade (docs/recovery.md, "Upgrading Open WebUI")',
  );
}

/** What is rehearsed and copied is the database of before: another one at the same time would go without. */
async function requireSameDatabase(arriving: ChatService, current: string): Promise<void> {
  const present = await chatServiceOf(current, join(ROOT, "secrets/applied.env"));
  const place = (service: ChatService) => {
    const { host, pathname } = new URL(service.environment.DATABASE_URL ?? "postgresql://none/");
    return `${host}${pathname}`;
  };
  if (place(present) === place(arriving)) return;
  throw new UserError(
    "The chat gets another database and another version at once: the new version would meet data that nobody tried it on.\n  fix: one after the other, with npm start between them",
  );
}

async function requireRights(database: ChatDatabase): Promise<void> {
  if (await database.mayCreate()) return;
  throw new UserError(
    `The database's user may not make a database, so there can be no copy to come back to.\n  fix: ALTER ROLE ... CREATEDB; on the database's server`,
  );
}

/** The rehearsal's database and the copy are there one after the other. */
async function requireRoom(database: ChatDatabase): Promise<void> {
  const size = await database.size();
  const { bavail, bsize } = await statfs(DATA);
  const [needed, free] = [size * 1.3 + 512 * MIB, bavail * bsize];
  if (free >= needed) return;
  throw new UserError(
    `The volume has ${Math.floor(free / MIB)} MiB left; a copy of the chat's database needs ${Math.ceil(needed / MIB)}.\n  fix: npm run hub -- config set volumeSizeGib GIB, then again`,
  );
}

async function pointBefore(
  { settings, secrets, database }: HubData,
  without: Awaited<ReturnType<typeof readSettings>>["upgradeWithout"],
  progress: Progress,
): Promise<{ point: Point; snapshot: string } | undefined> {
  if (secrets.repository === undefined) {
    progress.note("backups are off: only a copy on the volume leads back");
    return undefined;
  }
  if (without === "point" || without === "both") {
    progress.note(
      "without a recovery point, as upgradeWithout says: only a copy on the volume leads back",
    );
    return undefined;
  }
  try {
    const repository = await hubRepository(secrets);
    const source = { settings, database, repository };
    const taken = await takeRecorded(source, "before-upgrade", progress);
    progress.note(`recovery point ${taken.point.name}`);
    return taken;
  } catch (error) {
    throw new UserError(
      `No recovery point can be taken before the upgrade: ${(error as Error).message}\n` +
        "  or: npm run hub -- config set upgradeWithout point goes without",
    );
  }
}

/** Read back from the repository: what is rehearsed on is what a restore would bring. */
async function copyOf(
  { database, secrets }: HubData,
  taken: { point: Point; snapshot: string } | undefined,
): Promise<Pick<Parameters<typeof rehearse>[0], "dump" | "before">> {
  if (taken === undefined) {
    const { stdout, ended } = await database.dump();
    return { dump: { stream: stdout, ended } };
  }
  const repository = await hubRepository(secrets);
  const { sha256, tables } = taken.point.database;
  return {
    dump: { stream: await repository.dump(taken.snapshot, join(STAGING, "database.sql")), sha256 },
    before: tables,
  };
}

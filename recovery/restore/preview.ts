/** What a restore would change. Reads, and changes nothing. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { OpenHub } from "../open-hub.ts";
import { DATA } from "../place.ts";
import { countRows } from "../rows.ts";
import { type Differences, differences, isSame, type Tally, tally } from "./differences.ts";
import { leftAlone, UPLOADS } from "./left-alone.ts";
import type { OpenPoint } from "./open-point.ts";
import { sizeInPoint, WORKSPACE } from "./restore-files.ts";

export interface Preview {
  dryRun: true;
  point: string;
  /** ISO time that everything would be of. */
  time: string;
  /** Files by project, and by folder for what is none. */
  files: Record<string, Tally>;
  /** The first hundred of each, as paths on the volume. */
  examples: { added: string[]; changed: string[]; removed: string[] };
  /** Tables whose number of rows would change. */
  rows: Record<string, { now: number; inPoint: number }>;
}

const SHOWN = 100;

export async function previewHub(
  { repository, database }: OpenHub,
  { snapshot, point }: OpenPoint,
  { what, fresh }: { what: "hub" | "chats"; fresh: boolean },
): Promise<Preview> {
  const now = await countRows(database, { tables: Object.keys(point.database.tables) });
  const rows = Object.fromEntries(
    Object.entries(point.database.tables)
      .filter(([table, inPoint]) => (now[table] ?? 0) !== inPoint)
      .map(([table, inPoint]) => [table, { now: now[table] ?? 0, inPoint }]),
  );
  return previewOf(point, await filesOf(repository, snapshot, { what, fresh }), rows);
}

/** What would change among the files of the volume, by their paths on it. */
export async function filesOf(
  repository: OpenHub["repository"],
  snapshot: string,
  { what, fresh }: { what: "hub" | "chats"; fresh: boolean },
): Promise<Differences> {
  if (what === "hub") {
    return differences(repository.ls(snapshot, DATA, { recursive: true }), {
      from: DATA,
      target: DATA,
      leftAlone: leftAlone(fresh),
    });
  }
  const uploads = join(DATA, UPLOADS);
  const found = await differences(repository.ls(snapshot, uploads, { recursive: true }), {
    from: uploads,
    target: uploads,
  });
  const whole = (path: string) => `/${UPLOADS}${path}`;
  return {
    ...found,
    ...{ added: found.added.map(whole), changed: found.changed.map(whole) },
    removed: [],
  };
}

export async function previewFiles(
  { repository }: OpenHub,
  { snapshot, point }: OpenPoint,
  { from, to }: { from: string; to: string },
): Promise<Preview> {
  await sizeInPoint(repository, snapshot, from, point.name);
  const [source, target] = [join(WORKSPACE, from), join(WORKSPACE, to)];
  const there = await lstat(target).catch(() => undefined);
  const found = await differences(repository.ls(snapshot, source, { recursive: true }), {
    from: source,
    target,
  });
  // A file alone is listed by its own path.
  for await (const node of repository.ls(snapshot, join(source, ".."))) {
    if (node.path !== source || node.type === "dir") continue;
    if (there === undefined) found.added.push("");
    else if (!isSame(node, there)) found.changed.push("");
  }
  const whole = (path: string) => `/workspace/${to}${path}`;
  return previewOf(
    point,
    {
      added: found.added.map(whole),
      changed: found.changed.map(whole),
      removed: found.removed.map(whole),
      unchanged: found.unchanged,
      bytes: found.bytes,
    },
    {},
  );
}

function previewOf(
  point: OpenPoint["point"],
  found: Parameters<typeof tally>[0],
  rows: Preview["rows"],
): Preview {
  return {
    dryRun: true,
    point: point.name,
    time: point.time,
    files: tally(found),
    examples: {
      added: found.added.slice(0, SHOWN),
      changed: found.changed.slice(0, SHOWN),
      removed: found.removed.slice(0, SHOWN),
    },
    rows,
  };
}

export function previewText({ point, time, files, rows }: Preview): string {
  const lines = [
    `From ${point} (${time}) this would change:`,
    ...Object.entries(files).map(
      ([name, { added, changed, removed }]) =>
        `  ${name}: ${added} files come back, ${changed} change, ${removed} go`,
    ),
    ...Object.entries(rows).map(
      ([table, { now, inPoint }]) => `  ${table}: ${now} rows → ${inPoint}`,
    ),
  ];
  if (lines.length === 1) return `From ${point} (${time}) nothing would change.\n`;
  return `${lines.join("\n")}\nNothing was changed.\n`;
}

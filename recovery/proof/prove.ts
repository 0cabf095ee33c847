/**
 * Whether a recovery point in the repository is good, by reading it back. Nothing of what its maker knew is
 * taken for granted but what `point.json` says, and that is compared with what is there.
 */
import type { Readable } from "node:stream";
import { type Point, readPoint } from "../point/point.ts";
import { missingUploads, UPLOAD_COLUMNS, UPLOADS, uploadOf } from "../point/referenced-files.ts";
import { readSqlDump, type SqlDump } from "../point/sql-dump.ts";
import { POINT_TAG } from "../repository/retention-policy.ts";
import { isAhead } from "./ahead.ts";
import { CANARY_CHAT, CANARY_FILE } from "./canary.ts";
import { type Past, remembered, shrunk } from "./floors.ts";
import type { Problem } from "./problem.ts";

export interface Snapshot {
  id: string;
  /** ISO 8601. */
  time: string;
  tags: readonly string[];
}

export interface SnapshotEntry {
  path: string;
  type: string;
  /** Bytes; files have one. */
  size?: number;
}

/** What is needed of a repository. Whatever fails rejects, or ends the stream with an error. */
export interface SnapshotReader {
  snapshots(): Promise<readonly Snapshot[]>;
  /** The content of one file. */
  dump(snapshot: string, path: string): Readable;
  /** Everything below a folder. */
  ls(snapshot: string, path: string, options: { recursive: true }): AsyncIterable<SnapshotEntry>;
}

export interface Proof {
  /** ISO 8601: when it was begun. */
  time: string;
  /** Missing when there is none, or the repository cannot be read. */
  snapshot?: string;
  /** Name and time of the point; missing when its point.json cannot be read. */
  point?: string;
  pointTime?: string;
  good: boolean;
  problems: Problem[];
  /** Whether the point has one. */
  canary: boolean;
  /** What a person should know that is nothing wrong with the point. */
  notes: string[];
  /** By table, as counted in the dump. */
  rows: Record<string, number>;
  /** Of all files, the dump among them. */
  bytes: number;
  readSeconds: number;
}

export interface ProofOptions {
  /** Id of the point that is meant. Default: the newest that does not lie ahead of the clock. */
  snapshot?: string;
  /** Default: none. */
  past?: Past;
  now?: Date;
  /** Where the volume was mounted. Default /data. */
  data?: string;
  /**
   * A nightly point without a canary is not good; the others come between two canaries. Default true; false for a hub
   * that cannot write one.
   */
  canary?: boolean;
}

export const NO_CANARY = "The point has no canary: nothing known was written before it";

const CHATS = "public.chat";
/** Far above what any point.json or canary has. */
const MOST_TEXT = 16 * 1024 * 1024;
const ANOTHER = "Take a point now and prove it: npm run hub -- point.";

/** Never throws for what is in the repository. `past` is what to hand in next time. */
export async function prove(
  reader: SnapshotReader,
  {
    snapshot,
    past = { points: [] },
    now = new Date(),
    data = "/data",
    canary = true,
  }: ProofOptions = {},
): Promise<{ proof: Proof; past: Past }> {
  const started = performance.now();
  const proof: Proof = {
    time: now.toISOString(),
    good: false,
    problems: [],
    canary: false,
    notes: [],
    rows: {},
    bytes: 0,
    readSeconds: 0,
  };
  let seen = past;
  const meant = await pointIn(reader, snapshot, now, proof);
  if (meant !== undefined) {
    proof.snapshot = meant.id;
    const reading = new PointReading(reader, meant, data, proof.problems);
    const point = await reading.point();
    if (point !== undefined) {
      proof.point = point.name;
      proof.pointTime = point.time;
      proof.canary = point.canary !== undefined;
    }
    const database = await reading.database(point, canary);
    const files = await reading.files(point, database?.uploads ?? new Set());
    proof.rows = database?.dump.tables ?? {};
    proof.bytes = files?.bytes ?? 0;
    if (database?.dump.complete && files !== undefined) {
      const { rows, bytes } = proof;
      const current = { snapshot: meant.id, rows, bytes, lost: point?.lost };
      proof.problems.push(...shrunk(past, current));
      seen = remembered(past, current);
    }
  }
  proof.good = proof.problems.length === 0;
  proof.readSeconds = Math.round(performance.now() - started) / 1000;
  return { proof, past: seen };
}

/** Undefined when it is not there, which is told. */
async function pointIn(
  reader: SnapshotReader,
  wanted: string | undefined,
  now: Date,
  { problems, notes }: Proof,
): Promise<Snapshot | undefined> {
  let snapshots: readonly Snapshot[];
  try {
    snapshots = await reader.snapshots();
  } catch (error) {
    problems.push({
      what: `The repository cannot be read: ${messageOf(error)}`,
      where: "the list of its snapshots",
      fix: "See that its place is there and lets this hub in: npm run hub -- points.",
    });
    return undefined;
  }
  const points = snapshots
    .filter(({ tags }) => tags.includes(POINT_TAG))
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const ahead = points.filter(({ time }) => isAhead(time, now));
  const [first] = ahead;
  if (first !== undefined) {
    notes.push(
      `${ahead.length} recovery points lie ahead of this host's clock, such as ${first.id.slice(0, 8)} of ${first.time}: a clock was wrong when they were taken, or is now`,
    );
  }
  if (wanted !== undefined) {
    const found = points.find(({ id }) => id === wanted);
    if (found === undefined) {
      problems.push({
        what: "The point just taken is not in the repository",
        where: `snapshot ${wanted}, not among ${points.length} points`,
        fix: `${ANOTHER} When that one is not there either, something else removes what is written to its place, or it does not keep what it takes.`,
      });
    }
    return found;
  }
  // When all lie ahead, it is this clock that is wrong.
  const newest = points.findLast((one) => !ahead.includes(one)) ?? points.at(-1);
  if (newest === undefined) {
    problems.push({
      what: "There is no recovery point in the repository",
      where: `${snapshots.length} snapshots, none tagged ${POINT_TAG}`,
      fix: ANOTHER,
    });
  }
  return newest;
}

/** What is read of one snapshot; each finding goes to the problems. */
class PointReading {
  readonly #reader: SnapshotReader;
  readonly #snapshot: string;
  readonly #data: string;
  readonly #staging: string;
  readonly #problems: Problem[];

  constructor(reader: SnapshotReader, { id }: Snapshot, data: string, problems: Problem[]) {
    this.#reader = reader;
    this.#snapshot = id;
    this.#data = data;
    this.#staging = `${data}/hub/recovery/point`;
    this.#problems = problems;
  }

  async point(): Promise<Point | undefined> {
    const path = `${this.#staging}/point.json`;
    const text = await this.#text(path);
    if (text === undefined) return undefined;
    try {
      return readPoint(text, `snapshot ${this.#snapshot}`);
    } catch (error) {
      this.#problem(messageOf(error), path);
      return undefined;
    }
  }

  /** Compares as far as there is something to compare with. */
  async database(
    point: Point | undefined,
    canaryNeeded: boolean,
  ): Promise<{ dump: SqlDump; uploads: Set<string> } | undefined> {
    const path = `${this.#staging}/database.sql`;
    const token = point?.canary?.token;
    const uploads = new Set<string>();
    let chatFound = false;
    let dump: SqlDump;
    try {
      dump = await readSqlDump(this.#reader.dump(this.#snapshot, path), {
        columns: { [UPLOADS]: UPLOAD_COLUMNS, [CHATS]: ["title", "chat"] },
        onRow: (table, values) => {
          if (table === UPLOADS) {
            const upload = uploadOf(values[1] ?? null, this.#data);
            if (upload !== undefined) uploads.add(upload);
          } else if (token !== undefined && values[0] === CANARY_CHAT) {
            chatFound ||= values[1]?.includes(token) ?? false;
          }
        },
      });
    } catch (error) {
      this.#unreadable(path, error);
      return undefined;
    }
    if (!dump.complete) this.#problem(`The dump of the database ${dump.flaw}`, path);
    if (dump.absent.length > 0) {
      this.#problems.push({
        what: `The chat's database has no ${dump.absent.join(", ")}, which this proof reads`,
        where: path,
        fix: "This version of Open WebUI keeps its data otherwise: update the hub.",
      });
    }
    if (point !== undefined) this.#compare(dump, point, path);
    if (token !== undefined) {
      if (!chatFound) this.#problem("The canary chat is not in the dump, or not as it was", path);
      await this.#canaryFile(token);
    } else if (point?.reason === "nightly" && canaryNeeded) {
      this.#problems.push({
        what: NO_CANARY,
        where: point.name,
        fix: "See why it cannot be written: journalctl -u aihub-nightly on the host.",
      });
    }
    return { dump, uploads };
  }

  /** Lists all: what has to be there, and how much there is. */
  async files(
    point: Point | undefined,
    uploads: ReadonlySet<string>,
  ): Promise<{ bytes: number } | undefined> {
    const wanted = new Set(uploads);
    for (const path of point?.gone ?? []) wanted.delete(path);
    const sizes = new Map<string, number>();
    const parts = new Map(this.#parts(point).map((part) => [part, 0]));
    let bytes = 0;
    try {
      for await (const { path, type, size = 0 } of this.#reader.ls(this.#snapshot, this.#data, {
        recursive: true,
      })) {
        if (type !== "file") continue;
        bytes += size;
        if (wanted.has(path)) sizes.set(path, size);
        if (!path.startsWith(`${this.#staging}/`)) continue;
        for (const [part, so] of parts) {
          if (path === part || path.startsWith(`${part}/`)) parts.set(part, so + size);
        }
      }
    } catch (error) {
      this.#unreadable(this.#data, error);
      return undefined;
    }
    for (const [part, size] of parts) {
      if (size === 0) this.#problem("A part of the point is missing, or empty", part);
    }
    const missing = missingUploads(wanted, sizes, this.#data);
    const [first] = missing;
    if (first !== undefined) {
      this.#problem(
        `${missing.length} of ${wanted.size} files that the chat refers to are not in the point, or empty`,
        `${first.path} (${first.why})${missing.length > 1 ? " and others" : ""}`,
      );
    }
    return { bytes };
  }

  #parts(point: Point | undefined): string[] {
    return [
      "release",
      "secrets",
      ...(point?.cache ? ["cache.rdb"] : []),
      ...(point?.history ? ["history.db"] : []),
    ].map((name) => `${this.#staging}/${name}`);
  }

  #compare(dump: SqlDump, { database }: Point, path: string): void {
    if (dump.sha256 !== database.sha256) {
      this.#problem(
        "The dump of the database is not the one that was made: its digest differs",
        path,
      );
    }
    const tables = new Set([...Object.keys(database.tables), ...Object.keys(dump.tables)]);
    const differing = [...tables].filter(
      (table) => (dump.tables[table] ?? 0) !== (database.tables[table] ?? 0),
    );
    if (differing.length === 0) return;
    const shown = differing
      .slice(0, 5)
      .map((one) => `${one}: ${dump.tables[one] ?? 0} instead of ${database.tables[one] ?? 0}`);
    this.#problem(
      `Rows of ${differing.length} tables are not as counted: ${shown.join(", ")}`,
      path,
    );
  }

  async #canaryFile(token: string): Promise<void> {
    const path = `${this.#data}/${CANARY_FILE}`;
    const text = await this.#text(path);
    if (text !== undefined && !text.includes(token)) {
      this.#problem("The canary file is not as it was when the point was made", path);
    }
  }

  /** Undefined when it cannot be read, which is told. */
  async #text(path: string): Promise<string | undefined> {
    const pieces: Buffer[] = [];
    let size = 0;
    try {
      for await (const piece of this.#reader.dump(this.#snapshot, path)) {
        pieces.push(piece);
        size += piece.length;
        if (size > MOST_TEXT) throw new Error("it is far too long");
      }
    } catch (error) {
      this.#unreadable(path, error);
      return undefined;
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  #unreadable(path: string, error: unknown): void {
    this.#problems.push({
      what: `Cannot be read back: ${messageOf(error)}`,
      where: `${path} in snapshot ${this.#snapshot}`,
      fix: `${ANOTHER} When that one cannot be read either, the repository is damaged or away.`,
    });
  }

  #problem(what: string, where: string): void {
    this.#problems.push({ what, where: `${where} in snapshot ${this.#snapshot}`, fix: ANOTHER });
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}

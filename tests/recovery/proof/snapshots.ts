/** A repository in memory, with snapshots as a hub makes them. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { Point } from "../../../recovery/point/point.ts";
import type { Snapshot, SnapshotEntry, SnapshotReader } from "../../../recovery/proof/prove.ts";
import { type DumpedTable, dump, pieces } from "../point/dumps.ts";

export const TOKEN = "canary-2026-11-25-0123456789abcdef";
export const STAGING = "/data/hub/recovery/point";

/** Content by path. */
export type Files = Map<string, Buffer | string>;

/** What a test may change before it becomes a snapshot. */
export interface Made {
  tables: DumpedTable[];
  files: Files;
  point: Point;
}

export function hub({ chats = 20, users = 12 } = {}): Made {
  const rows = (count: number, row: (n: number) => string[]) =>
    Array.from({ length: count }, (_, n) => row(n));
  const tables: DumpedTable[] = [
    { name: `public."user"`, columns: ["id", "name"], rows: rows(users, (n) => [`u${n}`, "N"]) },
    { name: "public.auth", columns: ["id"], rows: rows(users, (n) => [`u${n}`]) },
    {
      name: "public.chat",
      columns: ["id", "user_id", "title", "chat"],
      rows: [
        ...rows(chats - 1, (n) => [`c${n}`, "u0", `Chat\t${n}`, `{"a": "\\n"}`]),
        ["canary", "u0", "Hub canary", JSON.stringify({ canary: { token: TOKEN } })],
      ],
    },
    {
      name: "public.file",
      columns: ["id", "filename", "path", "meta"],
      rows: [
        ["f1", "a.pdf", "/app/backend/data/uploads/f1_a.pdf", "{}"],
        ["f2", "b.txt", "/app/backend/data/uploads/f2_b.txt", "{}"],
        ["f3", "c", "s3://bucket/f3_c", "{}"],
        ["f4", "text only", null, "{}"],
      ],
    },
    { name: "public.config", columns: ["id", "data"], rows: [["1", "{}"]] },
  ];
  const files: Files = new Map([
    ["/data/open-webui/uploads/f1_a.pdf", "%PDF"],
    ["/data/open-webui/uploads/f2_b.txt", "text"],
    ["/data/workspace/hub-canary/canary.txt", `${TOKEN}\n\nAbout it.\n`],
    [`${STAGING}/cache.rdb`, "REDIS0012"],
    [`${STAGING}/history.db`, "SQLite format 3"],
    [`${STAGING}/release/compose.yaml`, "services: {}"],
    [`${STAGING}/secrets/recovery.json`, "{}"],
  ]);
  const point: Point = {
    version: 1,
    name: "2026-11-25T02-00-00Z-nightly",
    time: "2026-11-25T02:00:00.000Z",
    reason: "nightly",
    hub: { url: "https://hub.example.com", release: "0123" },
    images: {},
    openWebui: "0.12.4",
    database: { kind: "embedded", bytes: 0, sha256: "", tables: {} },
    files: {},
    cache: true,
    history: true,
    canary: { token: TOKEN, time: "2026-11-25T01:59:00.000Z" },
  };
  return { tables, files, point };
}

/** Dumps the database, puts it into point.json, and `after` that changes what lies in the repository. */
export function snapshotOf({ tables, files, point }: Made, after?: (files: Files) => void): Files {
  const sql = dump(tables);
  const all: Files = new Map(files);
  const database: Point["database"] = {
    kind: "embedded",
    bytes: sql.length,
    sha256: createHash("sha256").update(sql).digest("hex"),
    tables: Object.fromEntries(
      tables.map(({ name, rows }) => [name.replaceAll('"', ""), rows.length]),
    ),
  };
  all.set(`${STAGING}/database.sql`, sql);
  all.set(`${STAGING}/point.json`, JSON.stringify({ ...point, database }));
  after?.(all);
  return all;
}

export interface Repository extends SnapshotReader {
  stored: { snapshot: Snapshot; files: Files }[];
  /** Paths in the middle of which reading fails, as restic does at a damaged pack; "list" is the list of snapshots. */
  broken: Set<string>;
}

export function repository(...snapshots: Files[]): Repository {
  const stored = snapshots.map((files, n) => ({
    snapshot: {
      id: `s${n}`,
      time: new Date(Date.UTC(2026, 10, 1 + n)).toISOString(),
      tags: ["aihub", "reason:nightly"],
    },
    files,
  }));
  const filesOf = (id: string) => {
    const found = stored.find(({ snapshot }) => snapshot.id === id);
    if (!found) throw new Error(`no snapshot ${id}`);
    return found.files;
  };
  const broken = new Set<string>();
  return {
    stored,
    broken,
    async snapshots() {
      if (broken.has("list"))
        throw new Error("the place cannot be reached\nmore of restic's words");
      return stored.map(({ snapshot }) => snapshot);
    },
    dump(id, path) {
      async function* content() {
        const file = filesOf(id).get(path);
        if (file === undefined) throw new Error(`path ${path} not found in snapshot`);
        const bytes = Buffer.from(file as string);
        const end = broken.has(path) ? bytes.length / 2 : bytes.length;
        yield* pieces(bytes.subarray(0, end), [1000, 333]);
        if (broken.has(path)) throw new Error("ciphertext verification failed");
      }
      return Readable.from(content());
    },
    async *ls(id, path): AsyncGenerator<SnapshotEntry> {
      yield { path, type: "dir" };
      for (const [name, content] of filesOf(id)) {
        if (broken.has("ls")) throw new Error("tree cannot be loaded");
        if (name.startsWith(`${path}/`)) yield { path: name, type: "file", size: content.length };
      }
    },
  };
}

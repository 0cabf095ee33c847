/** What a point makes of uploads that are not where they ought to be; its repository and its database are stand-ins. */
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { expect, it, vi } from "vitest";
import type { Point } from "../../../recovery/point/point.ts";
import type { PointSource } from "../../../recovery/point/take.ts";
import { useHostFolders } from "../host-folders.ts";
import { dump } from "./dumps.ts";

const host = useHostFolders();

const IN_CONTAINER = "/app/backend/data";
const settings = { enabled: true, url: "", cache: "external", database: "embedded" };

/** Takes a point of a chat with these paths in its rows; `now` has those that are left when the dump is done. */
async function pointOf(paths: string[], now: string[] | Error = paths): Promise<Point> {
  vi.doMock("../../../recovery/services.ts", () => ({ serviceImages: async () => ({}) }));
  const { takePoint } = await import("../../../recovery/point/take.ts");
  await host.put("data/.aihub-volume", "");
  const rows = paths.map((path, n) => [`f${n}`, path]);
  const sql = dump([{ name: "public.file", columns: ["id", "path"], rows }]);
  let written = "";
  const repository = {
    location: "/mnt/points",
    id: async () => "a".repeat(64),
    ensure: async () => ({ id: "a".repeat(64), created: false }),
    backup: async () => {
      written = await readFile(host.at("data/hub/recovery/point/point.json"), "utf8");
      return { snapshotId: "a1", bytesStored: 1, bytesProcessed: 1, unread: [] };
    },
    async *ls(_: string, folder: string, { recursive = false } = {}) {
      for (const path of ["uploads/a", "uploads/2026/b", "notes/c"]) {
        if (recursive || !path.slice("uploads/".length).includes("/"))
          yield { path: `${folder}/${path}` };
      }
    },
    remove: async () => {},
  };
  const database = {
    dump: async () => ({ stdout: Readable.from([sql]), ended: Promise.resolve() }),
    sql: async () => {
      if (now instanceof Error) throw now;
      return JSON.stringify(now);
    },
  };
  const source = { settings, repository, database } as unknown as PointSource;
  const progress = { step: <T>(_: string, work: () => Promise<T>) => work(), note: () => {} };
  const { point } = await takePoint(source, "manual", progress);
  expect(JSON.parse(written)).toEqual(point);
  return point;
}

it("uploads are found in folders of their own, too", async () => {
  const paths = ["uploads/a", "uploads/2026/b", "notes/c"];
  for (const path of paths) await host.put(`data/open-webui/${path}`, "x");
  const point = await pointOf(paths.map((path) => `${IN_CONTAINER}/${path}`));
  expect(point).not.toHaveProperty("gone");
  expect(point.lost).toBe(0);
});

it("what lies where no point looks makes none fail, and is not lost", async () => {
  await host.put("data/open-webui/cache/image/d.png", "x");
  await host.put("elsewhere/e", "x");
  const point = await pointOf([`${IN_CONTAINER}/cache/image/d.png`, host.at("elsewhere/e")]);
  expect(point.gone).toEqual([
    host.at("data/open-webui/cache/image/d.png"),
    host.at("elsewhere/e"),
  ]);
  expect(point.lost).toBe(0);
});

it("what is gone is lost while its row stays, and was deleted when it went, too", async () => {
  const paths = ["f", "g", "h"].map((name) => `${IN_CONTAINER}/uploads/${name}`);
  const point = await pointOf(paths, paths.slice(0, 2));
  expect(point.gone).toHaveLength(3);
  expect(point.lost).toBe(2);
});

it("a point is taken when nobody can tell which", async () => {
  const point = await pointOf([`${IN_CONTAINER}/uploads/f`], new Error("the database is away"));
  expect(point.gone).toHaveLength(1);
  expect(point).not.toHaveProperty("lost");
});

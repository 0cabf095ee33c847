import { Readable } from "node:stream";
import { expect, it, vi } from "vitest";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();

/** `aihub-recovery restore` on a host that began at noon, with one point of that time. */
async function restore(time: string, values: Record<string, string | boolean>, words: string[]) {
  await host.put(
    "data/hub/recovery/standing.json",
    JSON.stringify({ enabled: true, since: "2026-11-25T12:00:00.000Z" }),
  );
  const point = {
    ...{ version: 1, name: `${time.slice(0, 19).replaceAll(":", "-")}Z-nightly`, time },
    ...{ reason: "nightly", hub: { url: "https://hub.example.com", release: "r" }, images: {} },
    database: { kind: "embedded", bytes: 1, sha256: "0".repeat(64), tables: {} },
    ...{ openWebui: "", files: {}, cache: false, history: false },
  };
  vi.doMock("../../../recovery/open-hub.ts", () => ({
    openHub: async () => ({
      repository: {
        snapshots: async () => [{ id: "a".repeat(64), time, tags: ["aihub"] }],
        dump: () => Readable.from([JSON.stringify(point)]),
      },
    }),
  }));
  vi.doMock("../../../recovery/restore/restore-hub.ts", async (original) => ({
    ...(await original<object>()),
    restoreHub: () => Promise.reject(new Error("it is brought back")),
  }));
  vi.doMock("../../../recovery/restore/set-aside.ts", () => ({ sweepSetAside: async () => {} }));
  const verb = await import("../../../recovery/verbs/restore.ts");
  return verb.restore.run(values, words);
}

const own = "2026-11-25T12:15:00.000Z";

it("of another hub's data does not take the newest point when this host made it", async () => {
  await expect(restore(own, { fresh: true }, ["hub"])).rejects.toThrow(
    /is of this host, which began at[\s\S]*fix: name the one to bring back with --point/,
  );
});

it.each([
  ["is of before", "2026-11-24T02:00:00.000Z", { fresh: true }],
  ["is named", own, { fresh: true, point: "latest" }],
  ["is for the hub that made it", own, {}],
])("takes the newest point when it %s", async (_when, time, values) => {
  await expect(restore(time, values, ["hub"])).rejects.toThrow("it is brought back");
});

it("has no dry run of a look, which changes nothing", async () => {
  await expect(restore("2026-11-24T02:00:00.000Z", { "dry-run": true }, ["look"])).rejects.toThrow(
    /look changes nothing/,
  );
});

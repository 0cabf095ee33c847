import { spawnSync } from "node:child_process";
import { chmod, lstat, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { Readable } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import type { RestoreOptions } from "../../../recovery/repository/repository-options.ts";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();

const point = {
  ...{ version: 1, name: "2026-11-25T02-00-00Z-nightly", time: "2026-11-25T02:00:00.000Z" },
  ...{ reason: "nightly", hub: { url: "https://hub.example.com", release: "r" }, images: {} },
  database: { kind: "embedded", bytes: 1, sha256: "0".repeat(64), tables: {} },
  ...{ openWebui: "", files: {}, cache: false, history: true },
};

/** A hub whose containers do as they are told, up to the database: its point's files come from `onRestore`. */
async function beginRestore(
  what: "hub" | "chats",
  onRestore: (options: RestoreOptions) => Promise<void> | void,
) {
  await host.put("bin/docker", "#!/bin/sh\nexit 0\n");
  await chmod(host.at("bin/docker"), 0o755);
  vi.stubEnv("PATH", `${host.at("bin")}:${process.env.PATH}`);
  await mkdir(host.at("opt"), { recursive: true });
  await mkdir(host.at("data/workspace/.aihub"), { recursive: true });
  const dumped: string[] = [];
  const repository = {
    async restore(options: RestoreOptions) {
      await onRestore(options);
      return { filesRestored: 1, filesDeleted: 0, bytesRestored: 1 };
    },
    dump(_snapshot: string, path: string) {
      dumped.push(path.split("/").at(-1) ?? "");
      return Readable.from([path.endsWith("point.json") ? JSON.stringify(point) : "history"]);
    },
  };
  vi.doMock("../../../recovery/open-hub.ts", () => ({
    openHub: async () => ({
      settings: { database: "external", cache: "external" },
      secrets: {},
      database: { name: "hub" },
      repository,
    }),
  }));
  vi.doMock("../../../recovery/restore/restored-database.ts", async (original) => ({
    ...(await original<object>()),
    swapDatabases: () => Promise.reject(new Error("as far as this test goes")),
  }));
  const { restoreKind } = await import("../../../recovery/restore/restore-hub.ts");
  const { Operation } = await import("../../../recovery/operation.ts");
  const options = { what, snapshot: "s", fresh: false, withoutSafetyCopy: true };
  const operation = await Operation.begin(restoreKind, options);
  await operation.enter("files");
  const resumed = () =>
    expect(restoreKind.resume(operation)).rejects.toThrow("as far as this test goes");
  return { operation, resumed, dumped };
}

describe("a restore that goes on", () => {
  it("writes the tools' history behind no link that lay in the point", async () => {
    await host.put("elsewhere", "untouched");
    const { resumed } = await beginRestore("hub", () =>
      symlink(host.at("elsewhere"), host.at("data/workspace/.aihub/history.db.new")),
    );
    await resumed();
    expect(await readFile(host.at("elsewhere"), "utf8")).toBe("untouched");
    const history = host.at("data/workspace/.aihub/history.db");
    expect((await lstat(history)).isFile()).toBe(true);
    expect(await readFile(history, "utf8")).toBe("history");
  });

  it("puts a folder of its own where the point had a link to another", async () => {
    await host.put("elsewhere/history.db", "untouched");
    const state = host.at("data/workspace/.aihub");
    const { resumed } = await beginRestore("hub", async () => {
      await rm(state, { recursive: true });
      await symlink(host.at("elsewhere"), state);
    });
    await resumed();
    expect(await readFile(host.at("elsewhere/history.db"), "utf8")).toBe("untouched");
    expect((await lstat(state)).isDirectory()).toBe(true);
    expect(await readFile(`${state}/history.db`, "utf8")).toBe("history");
  });

  it("of the chats brings back their uploads, and removes none", async () => {
    const asked: RestoreOptions[] = [];
    const { resumed } = await beginRestore("chats", (options) => void asked.push(options));
    await resumed();
    const uploads = asked.find(({ include }) => include?.includes("/open-webui/uploads"));
    expect(uploads).toMatchObject({ snapshot: expect.stringMatching(/^s:/) });
    expect(uploads?.delete).toBeFalsy();
  });

  it("keeps rollouts away as long as services stand still, and no longer", async () => {
    const rollout = () => spawnSync("flock", ["--nonblock", host.at("opt/lock"), "true"]).status;
    let meanwhile: number | null | undefined;
    const { resumed } = await beginRestore("hub", () => {
      meanwhile = rollout();
    });
    expect(rollout()).toBe(0);
    await resumed();
    expect(meanwhile).toBe(1);
    expect(rollout()).toBe(0);
  });

  it("asks the repository for no more than it needs", async () => {
    const { operation, resumed, dumped } = await beginRestore("hub", () => {});
    await host.put(
      `data/hub/recovery/looks/${operation.id}/point.json`,
      JSON.stringify({ ...point, history: false }),
    );
    await operation.enter("database");
    await resumed();
    expect(dumped).toEqual([]);
  });
});

it.each(["hub", "chats"] as const)(
  "of the %s begins nothing that the volume has no room for",
  async (what) => {
    await mkdir(host.at("data/hub/recovery"), { recursive: true });
    const { restoreHub } = await import("../../../recovery/restore/restore-hub.ts");
    const { unfinished } = await import("../../../recovery/operation.ts");
    const large = host.at("data/open-webui/uploads/large");
    const hub = {
      repository: {
        async *ls() {
          yield { path: large, type: "file", size: 2 ** 60, mtime: "2026-11-25T02:00:00Z" };
        },
      },
    };
    const restoring = restoreHub(
      hub as never,
      { snapshot: "s", point: point as never },
      { what, fresh: false, withoutSafetyCopy: true },
      { step: (_, work) => work(), note: () => {} },
    );
    await expect(restoring).rejects.toThrow(
      /needs 1099511627\d{3} MiB, and .* free; nothing was changed/,
    );
    expect(await unfinished()).toBeUndefined();
  },
);

import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PointSource } from "../../../recovery/point/take.ts";
import type { RememberedName } from "../../../recovery/repository/remembered-repository.ts";
import type { Repository } from "../../../recovery/repository/restic.ts";
import { useHostFolders } from "../host-folders.ts";
import { type Fixture, makeFixture } from "./fixture.ts";

const host = useHostFolders();
let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture?.remove());

const ensure = async (repository: Repository, name: RememberedName = "repository") =>
  (await import("../../../recovery/repository/remembered-repository.ts")).ensureRemembered(
    name,
    repository,
  );
const remembered = async (name: string) =>
  JSON.parse(await readFile(host.at(`data/hub/recovery/${name}.json`), "utf8"));
const at = (path: string) => join(fixture.folder, path);

it("is made and remembered where none was, and taken as it is where one is", async () => {
  const share = fixture.open("first/points");
  await ensure(share);
  const id = await share.id();
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(await remembered("repository")).toEqual({ location: share.location, id });
  await ensure(share);
  // A volume that is new, or was set up before anything was remembered.
  await rm(host.at("data"), { recursive: true });
  await ensure(share);
  expect(await remembered("repository")).toEqual({ location: share.location, id });
});

it("that is gone is told and not made anew, until somebody wants that", async () => {
  const share = fixture.open("share/points");
  await ensure(share);
  const first = await share.id();
  await rename(at("share"), at("share-elsewhere"));
  await mkdir(at("share"));
  const gone =
    /^The backup repository that was at \S+\/share\/points is gone: is the share mounted.*\n {2}fix: .*npm run hub -- ssh -- rm (\S+\/hub\/recovery\/repository\.json), then npm run hub -- point$/;
  await expect(ensure(share)).rejects.toThrow(gone);
  await expect(ensure(share)).rejects.toThrow(gone);
  expect(await share.id()).toBeUndefined();
  // The share is back.
  await rm(at("share"), { recursive: true });
  await rename(at("share-elsewhere"), at("share"));
  await ensure(share);
  expect(await share.id()).toBe(first);

  await rm(at("share"), { recursive: true });
  const told = (await ensure(share).catch((error: Error) => error.message)) as string;
  // What the message says to do.
  await rm(gone.exec(told)?.[1] as string);
  await ensure(share);
  expect(await share.id()).not.toBe(first);
});

it("that is gone gets no point", async () => {
  const repository = fixture.open("lost");
  await ensure(repository);
  await rm(at("lost"), { recursive: true });
  await host.put("data/.aihub-volume", "");
  const { takePoint } = await import("../../../recovery/point/take.ts");
  const source = { settings: { enabled: true }, repository } as PointSource;
  const quiet = { step: <T>(_: string, work: () => Promise<T>) => work(), note: () => {} };
  await expect(takePoint(source, "scheduled", quiet)).rejects.toThrow(/is gone: /);
  expect(await repository.id()).toBeUndefined();
});

it("that is another is told", async () => {
  const share = fixture.open("mixed-up");
  await ensure(share);
  await rm(at("mixed-up"), { recursive: true });
  await fixture.open("mixed-up").ensure();
  await expect(ensure(share)).rejects.toThrow(/is not the one that was there: .*\n {2}fix: /);
});

it("at another location begins by itself, and the second copy stands for itself", async () => {
  await ensure(fixture.open("of-before"));
  await ensure(fixture.open("copy"), "copy-repository");
  await ensure(fixture.open("of-now"));
  expect((await remembered("repository")).location).toBe(at("of-now"));
  await rm(at("copy"), { recursive: true });
  await ensure(fixture.open("of-now"));
  await expect(ensure(fixture.open("copy"), "copy-repository")).rejects.toThrow(
    /is gone.*\n.*copy-repository\.json/,
  );
});

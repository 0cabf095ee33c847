/** The wrapper around the real restic, on folders. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  RepositoryError,
  type RepositoryErrorKind,
} from "../../../recovery/repository/repository-error.ts";
import {
  literalPattern,
  openRepository,
  type Repository,
} from "../../../recovery/repository/restic.ts";
import {
  contentOf,
  type Fixture,
  makeFixture,
  PASSWORD,
  packsOf,
  point,
  TAGS,
  writeNoise,
} from "./fixture.ts";
import { putLock } from "./lock-of-others.ts";

let fixture: Fixture;
let count = 0;
/** A repository of its own for each test, not made yet. */
let repository: Repository;

beforeAll(async () => {
  fixture = await makeFixture();
  await writeNoise(join(fixture.source, "noise"), 3_000_000);
  for (const name of ["a", "b", "c"]) {
    await mkdir(join(fixture.source, name));
    for (let index = 0; index < 20; index++)
      await writeFile(join(fixture.source, name, `${index}.txt`), `${name} ${index}\n`.repeat(50));
  }
  await writeFile(join(fixture.source, "odd [1]*? \\name.txt"), "odd");
  await symlink("noise", join(fixture.source, "link"));
});
beforeEach(() => {
  repository = fixture.open(`repository-${count++}`);
});
afterAll(() => fixture?.remove());

/** Waits for the failure and returns it, when it is of that kind. */
async function failure(
  work: Promise<unknown>,
  kind: RepositoryErrorKind,
): Promise<RepositoryError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RepositoryError);
  expect(error).toMatchObject({ kind });
  expect(String(error)).not.toContain(PASSWORD);
  return error as RepositoryError;
}

/** Where a restored copy of the source lies in a target. */
const restored = (target: string) => join(target, fixture.source);
const target = () => join(fixture.folder, `target-${count++}`);

describe("making one", () => {
  test("happens once; later it is found, with the same id", async () => {
    const made = await repository.ensure();
    expect(made.created).toBe(true);
    expect(await repository.ensure()).toEqual({ id: made.id, created: false });
  });

  test("does not happen over another password", async () => {
    await repository.ensure();
    const other = openWith(repository.location, "wrong");
    const error = await failure(other.ensure(), "wrong-key");
    expect(error.message).not.toContain("wrong\n");
    await failure(other.snapshots(), "wrong-key");
  });

  test("takes the password from a file as well", async () => {
    await repository.ensure();
    const file = join(fixture.folder, "password");
    await writeFile(file, PASSWORD, { mode: 0o600 });
    expect((await openWith(repository.location, { file }).ensure()).created).toBe(false);
  });

  test("is refused where the rest of one lies: its content may still be saved", async () => {
    await repository.ensure();
    await rm(join(repository.location, "config"));
    await failure(repository.ensure(), "damaged");
  });

  test("tells a server that is away from one that has none", async () => {
    const away = fixture.open("", {
      location: "s3:http://127.0.0.1:1/bucket",
      env: { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "hidden-secret" },
      patience: 1,
    });
    const error = await failure(away.ensure(), "unreachable");
    expect(error.message).toContain("connection refused");
    expect(error.message).not.toContain("hidden-secret");
    const ssh = fixture.open("", {
      location: "sftp://nobody@127.0.0.1:1//backup",
      sftp: { keyFile: join(fixture.folder, "a key"), knownHosts: join(fixture.folder, "known") },
    });
    // restic does not always wait for what ssh says, so that the reason may be missing.
    expect((await failure(ssh.ensure(), "unreachable")).reason).toMatch(/sftp session/);
    const noKeys = fixture.open("", { location: "s3:http://127.0.0.1:1/bucket" });
    await failure(noKeys.ensure(), "denied");
  });

  test.each([
    ["InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."],
    [
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    ],
  ])("tells keys that are wrong from a server that is away: %s", async (code, message) => {
    const refusing = createServer((_request, response) => {
      response.writeHead(403, { "Content-Type": "application/xml" });
      response.end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
    }).listen(0, "127.0.0.1");
    await once(refusing, "listening");
    const { port } = refusing.address() as AddressInfo;
    const wrong = fixture.open("", {
      location: `s3:http://127.0.0.1:${port}/bucket`,
      env: { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "hidden-secret" },
    });
    try {
      const error = await failure(wrong.ensure(), "denied");
      expect(error.message).not.toContain("hidden-secret");
    } finally {
      refusing.closeAllConnections();
      refusing.close();
    }
  });

  test("says that there is none to everybody who only wants to read", async () => {
    await failure(repository.snapshots(), "missing");
    await failure(repository.stats(), "missing");
    await failure(buffer(repository.dump("latest", "/x")), "missing");
    await failure(point(repository, fixture.source), "missing");
  });
});

function openWith(location: string, password: string | { file: string }): Repository {
  return openRepository({
    program: fixture.program,
    location,
    password,
    cacheDir: join(fixture.folder, "cache"),
  });
}

describe("backing up", () => {
  test("stores what is new, and the second time next to nothing", async () => {
    await repository.ensure();
    const first = await point(repository, fixture.source);
    expect(first).toMatchObject({ files: 62, filesNew: 62, unread: [] });
    expect(first.bytesProcessed).toBeGreaterThan(3_000_000);
    expect(first.bytesStored).toBeGreaterThan(3_000_000);
    await writeFile(join(fixture.source, "a", "0.txt"), "changed");
    const second = await point(repository, fixture.source);
    expect(second).toMatchObject({ filesNew: 0, filesChanged: 1 });
    expect(second.bytesStored).toBeLessThan(20_000);
    const [older, newer] = await repository.snapshots({ tags: ["aihub"] });
    expect([older?.id, newer?.id]).toEqual([first.snapshotId, second.snapshotId]);
    expect(newer).toMatchObject({ host: "hub", tags: TAGS, paths: [fixture.source], files: 62 });
    expect((await repository.snapshots({ latest: 1 })).map(({ id }) => id)).toEqual([newer?.id]);
    expect(await repository.snapshots({ tags: ["aihub", "reason:nightly"] })).toEqual([]);
    expect(await repository.stats()).toMatchObject({ snapshots: 2 });
  });

  test("reads no unchanged file again on another machine", async () => {
    await repository.ensure();
    await point(repository, fixture.source);
    const again = await repository.backup({ paths: [fixture.source], tags: TAGS, host: "new-hub" });
    expect(again).toMatchObject({ filesNew: 0, filesChanged: 0 });
  });

  test("tells its progress, and leaves out what is excluded", async () => {
    await repository.ensure();
    const shares: number[] = [];
    const result = await repository.backup({
      paths: [fixture.source],
      excludes: [join(fixture.source, "a"), "*.tmp"],
      tags: TAGS,
      host: "hub",
      onProgress: ({ share }) => shares.push(share),
    });
    expect(result.files).toBe(42);
    expect(shares.length).toBeGreaterThan(0);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
  });

  test("writes nothing in a dry run", async () => {
    await repository.ensure();
    const result = await repository.backup({
      paths: [fixture.source],
      tags: TAGS,
      host: "hub",
      dryRun: true,
    });
    expect(result.snapshotId).toBeUndefined();
    expect(result.files).toBe(62);
    expect(await repository.snapshots()).toEqual([]);
  });

  test("of a path that is not there fails; of one that cannot be read it says so", async () => {
    await repository.ensure();
    await failure(
      repository.backup({ paths: [join(fixture.folder, "nowhere")], tags: TAGS, host: "hub" }),
      "other",
    );
    const some = await repository.backup({
      paths: [fixture.source, join(fixture.folder, "nowhere")],
      tags: TAGS,
      host: "hub",
    });
    expect(some.snapshotId).toBeDefined();
    expect(some.unread.length).toBe(1);
  });
});

describe("restoring", () => {
  let id: string;

  beforeEach(async () => {
    await repository.ensure();
    id = (await point(repository, fixture.source)).snapshotId as string;
  });

  test("brings everything back, byte for byte", async () => {
    const to = target();
    const result = await repository.restore({ snapshot: id, target: to, verify: true });
    expect(result.filesRestored).toBe(result.files);
    expect(await contentOf(restored(to))).toEqual(await contentOf(fixture.source));
  });

  test("of one file brings that file, whatever its name", async () => {
    const to = target();
    const name = "odd [1]*? \\name.txt";
    const include = [literalPattern(join(fixture.source, name))];
    await repository.restore({ snapshot: id, target: to, include });
    expect(Object.keys(await contentOf(to))).toEqual([join(fixture.source, name).slice(1)]);
  });

  test("of a folder onto itself removes what came later, only when asked", async () => {
    const to = target();
    const snapshot = `${id}:${join(fixture.source, "b")}`;
    await repository.restore({ snapshot, target: to });
    await writeFile(join(to, "later.txt"), "later");
    await writeFile(join(to, "1.txt"), "spoilt");
    const planned = await repository.restore({ snapshot, target: to, delete: true, dryRun: true });
    expect(planned).toMatchObject({ filesDeleted: 1, filesRestored: 1 });
    expect(await readFile(join(to, "1.txt"), "utf8")).toBe("spoilt");
    await repository.restore({ snapshot, target: to });
    expect(await readdir(to)).toContain("later.txt");
    await repository.restore({ snapshot, target: to, delete: true });
    expect(await contentOf(to)).toEqual(await contentOf(join(fixture.source, "b")));
  });

  test("streams one file's content, and its end means all of it", async () => {
    const content = await buffer(repository.dump(id, join(fixture.source, "noise")));
    expect(content.equals(await readFile(join(fixture.source, "noise")))).toBe(true);
    await failure(buffer(repository.dump(id, "/nothing")), "other");
    await failure(buffer(repository.dump("0".repeat(64), "/nothing")), "other");
  });

  test("a stream that nobody reads on ends the program", async () => {
    const stream = repository.dump(id, join(fixture.source, "noise"));
    await once(stream, "readable");
    stream.destroy();
    await once(stream, "close");
    await vi.waitFor(async () => expect(await childrenOf(process.pid)).toEqual([]), {
      timeout: 20_000,
    });
  });

  test("lists what is in a folder, and finds the versions of a file", async () => {
    const names: string[] = [];
    for await (const node of repository.ls(id, fixture.source)) names.push(node.path);
    expect(names).toContain(join(fixture.source, "noise"));
    expect(names).not.toContain(join(fixture.source, "a", "1.txt"));
    let deep = 0;
    for await (const node of repository.ls(id, fixture.source, { recursive: true }))
      if (node.type === "file") deep++;
    expect(deep).toBe(62);
    const found = await repository.find(join(fixture.source, "a", "1.txt"));
    expect(found).toMatchObject([{ snapshot: id, matches: [{ type: "file" }] }]);
    await failure(repository.ls("0".repeat(64)).next(), "other");
    for await (const _ of repository.ls(id)) break;
  });
});

/** Ids of this process's running children that are restic. */
async function childrenOf(parent: number): Promise<string[]> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8");
  const found: string[] = [];
  for (const id of children.split(" ").filter(Boolean)) {
    const name = await readFile(`/proc/${id}/comm`, "utf8").catch(() => "");
    if (name.trim() === "restic") found.push(id);
  }
  return found;
}

describe("damage", () => {
  beforeEach(async () => {
    await repository.ensure();
    await point(repository, fixture.source);
  });

  /** Reads one seventh after the other until one says that something is wrong. */
  async function checkAll(): Promise<string[]> {
    for (let part = 1; part <= 7; part++) {
      const result = await repository.check({ subset: `${part}/7` });
      if (!result.ok) return result.damagedPacks.length > 0 ? result.damagedPacks : result.messages;
    }
    return [];
  }

  test("there is none at first", async () => {
    expect(await repository.check()).toEqual({
      ok: true,
      errors: 0,
      damagedPacks: [],
      messages: [],
    });
    expect(await checkAll()).toEqual([]);
  });

  test("one changed byte is found within seven checks, and the file is not handed out", async () => {
    const [pack = ""] = await packsOf(repository);
    const content = await readFile(pack);
    // In the middle lies the one big file.
    const middle = content.length >> 1;
    content[middle] = (content[middle] as number) ^ 1;
    await chmod(pack, 0o600);
    await writeFile(pack, content);
    expect((await repository.check()).ok).toBe(true);
    expect((await checkAll()).join()).toContain(pack.split("/").at(-1));
    const noise = join(fixture.source, "noise");
    const fresh = fixture.open(repository.location.split("/").at(-1), {
      cacheDir: join(fixture.folder, "empty-cache"),
    });
    await failure(
      fresh.restore({ snapshot: "latest", target: target(), include: [noise] }),
      "damaged",
    );
    await failure(buffer(fresh.dump("latest", noise)), "damaged");
  });

  test("is mended by restic itself and another point, while what was backed up is still there", async () => {
    const [pack = ""] = await packsOf(repository);
    await chmod(pack, 0o600);
    await truncate(pack, 10_000);
    const aside = join(fixture.folder, "aside");
    await mkdir(aside, { recursive: true });
    const does = async (...args: string[]) =>
      expect(await repository.handOver(args, aside)).toBe(0);
    await does("repair", "packs", basename(pack));
    expect(await readdir(aside)).toEqual([`pack-${basename(pack)}`]);
    await point(repository, fixture.source);
    await does("repair", "snapshots", "--forget");
    await does("check", "--read-data");
    expect(await repository.check()).toMatchObject({ ok: true });
    expect(await repository.snapshots()).toHaveLength(2);
    expect(await repository.handOver(["no-such-verb"], aside)).toBe(1);
  });

  test("a file cut short, or gone, is found without reading any", async () => {
    const [pack = ""] = await packsOf(repository);
    await chmod(pack, 0o600);
    await truncate(pack, 10_000);
    expect((await repository.check()).ok).toBe(false);
    await rm(pack);
    const { ok, errors } = await repository.check();
    expect([ok, errors > 0]).toEqual([false, true]);
    const noise = join(fixture.source, "noise");
    await failure(
      repository.restore({ snapshot: "latest", target: target(), include: [noise] }),
      "damaged",
    );
  });

  test("of the list of contents is told by every use", async () => {
    for (const name of await readdir(join(repository.location, "index"))) {
      const path = join(repository.location, "index", name);
      await chmod(path, 0o600);
      await writeFile(path, "nonsense");
    }
    const fresh = fixture.open(repository.location.split("/").at(-1), {
      cacheDir: join(fixture.folder, "another-cache"),
    });
    await failure(fresh.restore({ snapshot: "latest", target: target() }), "damaged");
    expect((await fresh.check()).ok).toBe(false);
  });

  test("of the configuration is told from a wrong password", async () => {
    await chmod(join(repository.location, "config"), 0o600);
    await truncate(join(repository.location, "config"), 10);
    await failure(repository.ensure(), "damaged");
  });
});

async function lockAs(
  { location }: Repository,
  lock: { pid: number; exclusive: boolean; host: string; minutesAgo?: number },
): Promise<void> {
  const { pid, exclusive, host, minutesAgo = 0 } = lock;
  const key = await fixture.restic(location.split("/").at(-1) ?? "", "cat", "masterkey");
  const time = new Date(Date.now() - minutesAgo * 60_000);
  await putLock(location, key, { pid, exclusive, hostname: host, time });
}

describe("a killed process", () => {
  test("in the middle of a backup leaves a lock, and the next backup and prune succeed", async () => {
    const big = join(fixture.folder, "big");
    await mkdir(big);
    for (let index = 0; index < 6; index++) await writeNoise(join(big, `${index}`), 50_000_000);
    await repository.ensure();
    await point(repository, fixture.source);
    const before = (await packsOf(repository)).length;
    const child = spawn(
      fixture.program,
      ["--repo", repository.location, "backup", "--limit-upload", "60000", big],
      { env: { ...process.env, RESTIC_PASSWORD: PASSWORD }, stdio: "ignore" },
    );
    await vi.waitFor(
      async () => expect((await packsOf(repository)).length).toBeGreaterThan(before + 1),
      { timeout: 60_000, interval: 50 },
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await readdir(join(repository.location, "locks"))).toHaveLength(1);
    expect(await repository.snapshots()).toHaveLength(1);

    const result = await point(repository, big);
    expect(result.bytesProcessed).toBe(300_000_000);
    await repository.prune();
    expect(await readdir(join(repository.location, "locks"))).toEqual([]);
    expect(await repository.check({ subset: "1/1" })).toMatchObject({ ok: true });
    await rm(big, { recursive: true });
  });

  test("that pruned leaves a lock that keeps everybody out, but not us", async () => {
    await repository.ensure();
    await point(repository, fixture.source);
    await lockAs(repository, { pid: 4_194_999, exclusive: true, host: hostname() });
    expect((await repository.snapshots()).length).toBe(1);
    expect((await point(repository, fixture.source)).snapshotId).toBeDefined();
  });

  test("of another machine is given 30 minutes; its lock is respected before", async () => {
    await repository.ensure();
    await lockAs(repository, { pid: 1, exclusive: true, host: "elsewhere" });
    await failure(point(repository, fixture.source), "locked");
    expect(await repository.unlockStale()).toBe(1);
    await rm(join(repository.location, "locks"), { recursive: true });
    await mkdir(join(repository.location, "locks"));
    await lockAs(repository, { pid: 1, exclusive: true, host: "elsewhere", minutesAgo: 31 });
    expect((await point(repository, fixture.source)).snapshotId).toBeDefined();
  });

  test("that nobody can say anything about, by a wrong clock or a spoilt lock, is removed at last", async () => {
    await repository.ensure();
    await lockAs(repository, { pid: 1, exclusive: true, host: "elsewhere", minutesAgo: -600 });
    const name = "0".repeat(64);
    await writeFile(join(repository.location, "locks", name), "spoilt");
    expect(await repository.unlockStale()).toBe(0);
    expect((await point(repository, fixture.source)).snapshotId).toBeDefined();
  });
});

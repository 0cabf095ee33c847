/** The proof over the real restic, on a folder. */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { prove } from "../../../recovery/proof/prove.ts";
import { checkDueParts, PARTS } from "../../../recovery/proof/rotation.ts";
import { openRepository, type Repository } from "../../../recovery/repository/restic.ts";
import { lineProgress } from "../../../scripts/progress.ts";
import { ensureRestic } from "../../../scripts/toolchain/restic.ts";
import { hub, snapshotOf } from "./snapshots.ts";

let folder: string;
let data: string;

// Where it is not there yet, it is built here and not within the time of a test.
beforeAll(() => ensureRestic(lineProgress()));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-proof-"));
  data = join(folder, "data");
});
afterEach(() => rm(folder, { recursive: true }));

async function open(password = "of the tests"): Promise<Repository> {
  return openRepository({
    program: await ensureRestic(lineProgress()),
    location: join(folder, "repository"),
    password,
    cacheDir: join(folder, "cache"),
    patience: 1,
    lockPatience: 1,
  });
}

/** The point of a hub whose volume is mounted in the test's folder. */
async function takePoint(repository: Repository): Promise<void> {
  const made = hub();
  // Nothing that compresses: most of what is stored is the dump.
  made.tables[0]?.rows.push(["long", randomBytes(2 * 1024 * 1024).toString("base64")]);
  for (const [path, content] of snapshotOf(made)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await repository.ensure();
  await repository.backup({ paths: [data], tags: ["aihub", "reason:nightly"], host: "test" });
}

it("finds a point good that restic keeps, and reads it without the cache of its maker", async () => {
  await takePoint(await open());
  await rm(join(folder, "cache"), { recursive: true });
  await rm(data, { recursive: true });
  const { proof } = await prove(await open(), { data });
  expect(proof.problems).toEqual([]);
  expect(proof).toMatchObject({ good: true, rows: { "public.chat": 20, "public.user": 13 } });
});

it("finds the newest point lacking what was not copied", async () => {
  const repository = await open();
  await takePoint(repository);
  await rm(join(data, "open-webui/uploads/f1_a.pdf"));
  await rm(join(data, "hub/recovery/point/history.db"));
  await repository.backup({ paths: [data], tags: ["aihub"], host: "another" });
  const { proof } = await prove(repository, { data });
  expect(proof.problems.map(({ what }) => what)).toEqual([
    "A part of the point is missing, or empty",
    expect.stringMatching(/^1 of 2 files/),
  ]);
});

it("finds a byte that was flipped in the repository, as do the parts that are read in turn", async () => {
  const repository = await open();
  await takePoint(repository);
  await flipByteOfLargest(join(folder, "repository/data"));
  const { proof } = await prove(repository, { data });
  expect(proof.problems.map(({ what }) => what)).toContainEqual(
    expect.stringMatching(/^Cannot be read back: /),
  );
  const night = new Date();
  const since = new Date(night.getTime() - 30 * 24 * 3_600_000).toISOString();
  const { problem, checked } = await checkDueParts(repository, { since, done: {} }, night);
  expect(problem?.what).toMatch(/^The repository is damaged: /);
  expect(checked.length).toBeLessThan(PARTS);
});

it("says that another key opens nothing, without the key", async () => {
  await takePoint(await open());
  const { proof } = await prove(await open("another"), { data });
  expect(proof).toMatchObject({ good: false, problems: [{ where: "the list of its snapshots" }] });
  expect(proof.problems[0]?.what).not.toContain("another");
});

async function flipByteOfLargest(packs: string): Promise<void> {
  const names = await readdir(packs, { recursive: true });
  const sized = await Promise.all(
    names.map(async (name) => {
      const file = join(packs, name);
      const about = await stat(file);
      return { file, size: about.isFile() ? about.size : 0 };
    }),
  );
  const { file } = sized.toSorted((a, b) => b.size - a.size)[0] as { file: string };
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 4);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await chmod(file, 0o600);
  await writeFile(file, bytes);
}

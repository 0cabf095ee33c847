/** A folder with files and a repository of the real restic, for one test file. */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RepositoryOptions } from "../../../recovery/repository/repository-options.ts";
import { openRepository, type Repository } from "../../../recovery/repository/restic.ts";
import { lineProgress } from "../../../scripts/progress.ts";
import { ensureRestic } from "../../../scripts/toolchain/restic.ts";

export const PASSWORD = "correct horse battery staple";
export const TAGS = ["aihub", "reason:scheduled"];

export interface Fixture {
  folder: string;
  /** Files to back up. */
  source: string;
  program: string;
  /** Opens a repository in a subfolder; "repository" unless named. */
  open(name?: string, options?: Partial<RepositoryOptions>): Repository;
  /** restic itself, beside the wrapper. */
  restic(name: string, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

export async function makeFixture(): Promise<Fixture> {
  const program = await ensureRestic(lineProgress());
  const folder = await mkdtemp(join(tmpdir(), "aihub-recovery-"));
  const source = join(folder, "source");
  await mkdir(source);
  const open: Fixture["open"] = (name = "repository", options = {}) =>
    openRepository({
      program,
      location: join(folder, name),
      password: PASSWORD,
      cacheDir: join(folder, "cache"),
      lockPatience: 1,
      ...options,
    });
  return {
    folder,
    source,
    program,
    open,
    restic: async (name, ...args) => {
      const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
      const all = ["--no-cache", "--repo", join(folder, name), ...args];
      return (await promisify(execFile)(program, all, { env })).stdout;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Backs the folder up as a recovery point; it is a scheduled one unless `tags` give a reason. */
export function point(
  repository: Repository,
  source: string,
  more: { time?: Date; tags?: string[] } = {},
) {
  const { time, tags = [] } = more;
  return repository.backup({
    paths: [source],
    host: "hub",
    tags: tags.some((tag) => tag.startsWith("reason:")) ? ["aihub", ...tags] : [...TAGS, ...tags],
    ...(time === undefined ? {} : { time }),
  });
}

export async function writeNoise(path: string, bytes: number): Promise<void> {
  await writeFile(path, randomBytes(bytes));
}

/** Names and contents of all files below a folder. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const content: Record<string, string> = {};
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    content[path.slice(folder.length + 1)] = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  }
  return content;
}

/** The repository's data files, by size, largest first. */
export async function packsOf(repository: Repository): Promise<string[]> {
  const entries = await readdir(join(repository.location, "data"), {
    recursive: true,
    withFileTypes: true,
  });
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const sized = await Promise.all(
    paths.map(async (path) => ({ path, size: (await readFile(path)).length })),
  );
  return sized.sort((a, b) => b.size - a.size).map(({ path }) => path);
}

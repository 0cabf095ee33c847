/** The two ways to back up one day, each with what it cost. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { openRepository, type Repository } from "../../recovery/repository/restic.ts";

const run = promisify(execFile);

export interface Cost {
  /** Seconds on the clock, and of all cores together. */
  wall: number;
  cpu: number;
  /** Bytes that were new where the backup is kept, which are those that are sent. */
  bytes: number;
}

export interface Contender {
  backUp(): Promise<Cost>;
  /** Brings one file of the last backup back. @returns its path */
  restoreFile(path: string): Promise<{ wall: number; restored: string }>;
}

export interface Source {
  workspace: string;
  /** The dump as the database gives it, which it does for both alike. */
  dump: string;
}

/** As the seed's script does it: everything, each day, packed anew. */
export async function wholeArchives(
  folder: string,
  { workspace, dump }: Source,
): Promise<Contender> {
  await mkdir(folder, { recursive: true });
  const [archive, database] = [join(folder, "workspace.tar.gz"), join(folder, "database.sql.gz")];
  const clock = await cpuClock(folder, "bash");
  return {
    async backUp() {
      const [wall, cpu] = await clock.time(() =>
        run(clock.program, [
          ...["-c", 'tar -C "$1" -czf "$2" . && gzip -c <"$3" >"$4"', "bash"],
          ...[workspace, archive, dump, database],
        ]),
      );
      return { wall, cpu, bytes: (await stat(archive)).size + (await stat(database)).size };
    },
    async restoreFile(path) {
      const target = await emptied(join(folder, "restored"));
      const [wall] = await clock.time(() =>
        run("tar", ["-C", target, "-xzf", archive, `./${path}`]),
      );
      return { wall, restored: join(target, path) };
    },
  };
}

/** As the hub does it: the dump is laid beside the workspace, and one snapshot is made of both. */
export async function recoveryPoints(
  folder: string,
  restic: string,
  { workspace, dump }: Source,
): Promise<Contender & { repository: Repository }> {
  await mkdir(join(folder, "point"), { recursive: true });
  const staged = join(folder, "point", "database.sql");
  const clock = await cpuClock(folder, restic);
  const repository = openRepository({
    program: clock.program,
    location: join(folder, "repository"),
    password: "benchmark",
    cacheDir: join(folder, "cache"),
  });
  await repository.ensure();
  return {
    repository,
    async backUp() {
      const before = await sizeOf(repository.location);
      const [wall, cpu] = await clock.time(async () => {
        await run("cp", [dump, staged]);
        await repository.backup({
          paths: [workspace, staged],
          tags: ["aihub", "reason:nightly"],
          host: "hub",
        });
      });
      return { wall, cpu, bytes: (await sizeOf(repository.location)) - before };
    },
    async restoreFile(path) {
      const target = await emptied(join(folder, "restored"));
      const [wall] = await clock.time(() =>
        repository.restore({ snapshot: `latest:${workspace}`, target, include: [`/${path}`] }),
      );
      return { wall, restored: join(target, path) };
    },
  };
}

/** Stands before a program and puts down what its runs take of the cores. */
async function cpuClock(folder: string, program: string) {
  const [script, log] = [join(folder, "clocked"), join(folder, "cpu")];
  await writeFile(
    script,
    `#!/bin/bash
TIMEFORMAT='%U %S'
{ time '${program}' "$@" 2>&3; } 3>&2 2>>'${log}'
`,
  );
  await chmod(script, 0o755);
  return {
    program: script,
    /** Seconds on the clock and of the cores. */
    async time(work: () => Promise<unknown>): Promise<[number, number]> {
      await writeFile(log, "");
      const started = performance.now();
      await work();
      const wall = (performance.now() - started) / 1000;
      const numbers = (await readFile(log, "utf8")).split(/\s+/).filter(Boolean).map(Number);
      return [wall, numbers.reduce((sum, one) => sum + one, 0)];
    },
  };
}

async function emptied(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  return folder;
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, one) => sum + one, 0);
}

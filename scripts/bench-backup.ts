/** `npm run bench:backup`: what a day's backup costs beside whole archives. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recoveryPoints, wholeArchives } from "../bench/backup/contenders.ts";
import { type Day, type Measured, rowsOf } from "../bench/backup/rows.ts";
import {
  editFiles,
  editRows,
  makeRows,
  makeWorkspace,
  type Size,
  writeDump,
} from "../bench/backup/workspace.ts";
import { runBenchmark } from "../bench/bench-command.ts";
import { lineProgress } from "./progress.ts";
import { ensureRestic, resticVersion } from "./toolchain/restic.ts";

const help = `npm run bench:backup [-- --quick] [--json]

Backs up a made workspace of 1 GB and a dump of 100 MB, day after day, by restic and by tar, gzip and pg_dump.
Needs 5 GB below the system's folder for temporary files for about ten minutes. Writes bench/results/backup.json and the
table in docs/benchmarks.md.

  --quick  a twentieth of it and fewer days, for a look; writes nothing
  --json   print the results as JSON
`;

const progress = lineProgress();

async function measure(size: Size, days: number): Promise<Measured> {
  const restic = await ensureRestic(progress);
  const folder = await mkdtemp(join(tmpdir(), "aihub-bench-backup-"));
  try {
    const source = { workspace: join(folder, "workspace"), dump: join(folder, "database.sql") };
    const workspace = await progress.step("Making a workspace and a database", () =>
      makeWorkspace(source.workspace, size),
    );
    const rows = makeRows(workspace.random, size.dump);
    await writeDump(source.dump, rows);
    const theirs = await wholeArchives(join(folder, "theirs"), source);
    const ours = await recoveryPoints(join(folder, "ours"), restic, source);

    const first = await progress.step("Backing up for the first time", async () => ({
      theirs: await theirs.backUp(),
      ours: await ours.backUp(),
    }));
    const measured: Day[] = [];
    for (let day = 0; day < days; day++) {
      const edited = await editFiles(workspace);
      editRows(rows, workspace.random, "recent");
      await writeDump(source.dump, rows);
      await progress.step(`Day ${day + 2}`, async (log) => {
        // Who comes first changes, so that none always finds the files in memory.
        const costs: Partial<Pick<Day, "theirs" | "ours">> = {};
        const contenders = { theirs, ours };
        const names = ["theirs", "ours"] as const;
        for (const name of day % 2 === 0 ? names : names.toReversed())
          costs[name] = await contenders[name].backUp();
        const restore = { theirs: 0, ours: 0 };
        for (const [name, one] of Object.entries(contenders)) {
          const { wall, restored } = await one.restoreFile(edited);
          const [wanted, found] = await Promise.all(
            [join(source.workspace, edited), restored].map((path) => readFile(path)),
          );
          if (!wanted?.equals(found as Buffer)) throw new Error(`${name}: not what was backed up`);
          restore[name as keyof typeof restore] = wall;
        }
        await editFiles(workspace);
        editRows(rows, workspace.random, "anywhere");
        await writeDump(source.dump, rows);
        const oursScattered = await ours.backUp();
        measured.push({
          ...(costs as Required<typeof costs>),
          oursScattered,
          restore,
        });
        log(JSON.stringify(measured.at(-1)));
      });
    }
    return {
      files: size.files,
      workspace: workspace.bytes,
      dump: (await stat(source.dump)).size,
      first,
      days: measured,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await runBenchmark({
  name: "backup",
  help,
  async measure({ quick }) {
    const measured = quick
      ? await measure({ files: 2_000, dump: 5_000_000 }, 2)
      : await measure({ files: 40_000, dump: 100_000_000 }, 3);
    return { rows: rowsOf(measured), versions: { restic: resticVersion }, measured };
  },
});

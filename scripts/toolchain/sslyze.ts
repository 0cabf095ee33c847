/** A scanner for weaknesses of TLS, from its Python package. */
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";
import type { Progress } from "../progress.ts";
import { cached, keyOf } from "./cache.ts";
import { installPackages, updatePackageLists } from "./debian-packages.ts";
import { run } from "./run.ts";

const VERSION = "6.3.1";

export interface Scan {
  /** Whether it found nothing to complain about. */
  passed: boolean;
  /** What it printed. */
  report: string;
}

/**
 * Scans an address, "host:port", as the server of `name`, by the rules of Mozilla's "intermediate" configuration.
 * @param authority PEM file of the authority that the server's certificate comes from
 * @throws UserError when the scanner cannot be had
 */
export async function scanTls(
  address: string,
  name: string,
  authority: string,
  progress: Progress,
): Promise<Scan> {
  const folder = await installed(progress);
  const { exitCode, all } = await execa(
    "python3",
    [
      ...["-W", "ignore", "-m", "sslyze", "--mozilla_config=intermediate"],
      ...["--certinfo_ca_file", authority, "--sni", name, address],
    ],
    { env: { PYTHONPATH: folder }, all: true, reject: false, timeout: 300_000 },
  );
  return { passed: exitCode === 0, report: all ?? "" };
}

async function installed(progress: Progress): Promise<string> {
  await withPip(progress);
  const entry = { kind: "tools", name: "sslyze", key: keyOf([VERSION]) };
  return cached(entry, (path) =>
    progress.step("Installing sslyze", async (log) => {
      const quietly = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"];
      const target = ["--target", path, `sslyze==${VERSION}`];
      await run(log, "python3", ["-m", "pip", "install", ...quietly, ...target]);
    }),
  );
}

async function withPip(progress: Progress): Promise<void> {
  const hasPip = async () =>
    (await execa("python3", ["-m", "pip", "--version"], { reject: false })).exitCode === 0;
  if (await hasPip()) return;
  if (process.getuid?.() !== 0)
    throw new UserError("Python's pip is missing.\n  fix: apt-get install python3-pip");
  await progress.step("Installing python3-pip", async (log) => {
    await updatePackageLists(log);
    await installPackages(log, ["python3-pip"]);
  });
  if (!(await hasPip())) throw new UserError("python3-pip was installed, but cannot be run");
}

/** The Pulumi command line: the one on PATH, else the official download, else one built from its Go module. */
import { mkdir, readFile, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { ensureBase } from "../../rehearsal/images/base.ts";
import type { Progress } from "../progress.ts";
import { cached, entryPath, has, keyOf, keyOfFolder } from "./cache.ts";
import { hasGo, runGo } from "./go.ts";
import { pulumiByPackage } from "./pulumi-package.ts";

const OLDEST_MINOR = 220;
const module = join(import.meta.dirname, "pulumi");
const command = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";

/** Where a Pulumi command line is: `root/bin/pulumi`, as `PulumiCommand.get({ root })` wants it. */
export interface Pulumi {
  root: string;
  /** Without a leading "v". */
  version: string;
}

/**
 * Finds a Pulumi 3.220 or later on PATH, downloads the pinned one, or builds it once per machine: with the machine's own Go
 * where it has one, else in a container, for which a Docker engine must be running. 2 to 6 minutes when built.
 */
export async function ensurePulumi(progress: Progress): Promise<Pulumi> {
  return (await fromPath()) ?? (await fromModule(progress));
}

/** True when this version, as `pulumi version` prints it, does what the program needs. */
export function isRecentEnough(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(version.trim()) ?? [];
  return Number(major) === 3 && Number(minor) >= OLDEST_MINOR;
}

async function fromPath(): Promise<Pulumi | undefined> {
  const found = await execa("sh", ["-c", "command -v pulumi"], { reject: false });
  const path = found.stdout.trim();
  if (found.exitCode !== 0 || !path.startsWith("/")) return undefined;
  const asked = await execa(path, ["version"], {
    reject: false,
    env: { PULUMI_SKIP_UPDATE_CHECK: "1" },
  });
  if (asked.exitCode !== 0 || !isRecentEnough(asked.stdout)) return undefined;
  const version = asked.stdout.trim().replace(/^v/, "");
  if (basename(dirname(path)) === "bin") return { root: dirname(dirname(path)), version };
  const entry = { kind: "pulumi", name: "link", key: keyOf([path]) };
  const root = await cached(entry, async (target) => {
    await mkdir(join(target, "bin"), { recursive: true });
    await symlink(path, join(target, "bin", "pulumi"));
  });
  return { root, version };
}

async function fromModule(progress: Progress): Promise<Pulumi> {
  const goMod = await readFile(join(module, "go.mod"), "utf8");
  const version = /github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/.exec(goMod)?.[1];
  if (!version) throw new Error(`${join(module, "go.mod")} does not name Pulumi's version`);
  const entry = {
    kind: "pulumi",
    name: "pulumi",
    key: keyOf([process.platform, process.arch, await keyOfFolder(module)]),
  };
  if (await has(entry)) return { root: entryPath(entry), version };
  const official = await pulumiByPackage(progress, version);
  if (official) return { root: official, version };
  const withOwnGo = await hasGo();
  // Not inside the step that builds: a base image has steps of its own.
  const image = withOwnGo ? undefined : await ensureBase(progress, "trixie");
  const title = `Building Pulumi ${version} ${image ? "in a container" : "with this machine's Go"}`;
  const root = await cached(entry, (target) =>
    progress.step(title, async (log) => {
      await mkdir(join(target, "bin"), { recursive: true });
      const output = (folder: string) => goArguments(version, join(folder, "bin", "pulumi"));
      await runGo(log, { args: output, module, target, image });
    }),
  );
  return { root, version };
}

function goArguments(version: string, output: string): string[] {
  const variable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
  return ["build", "-v", "-ldflags", `-s -w -X ${variable}=${version}`, "-o", output, command];
}

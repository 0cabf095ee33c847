/** The official Pulumi command line, by the npm package `pulumi`, which downloads it on its first use. */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { cached, entryPath, has, keyOf } from "./cache.ts";
import { run } from "./run.ts";

/** Where the package downloads from. Asked first: without an answer it would only fail later and less clearly. */
const SOURCE = "https://get.pulumi.com/install.sh";

/** @returns the folder that holds bin/pulumi and its language hosts; undefined where the download site does not answer */
export async function pulumiByPackage(
  progress: Progress,
  version: string,
): Promise<string | undefined> {
  const entry = {
    kind: "pulumi",
    name: "package",
    key: keyOf([process.platform, process.arch, version]),
  };
  const root = join(entryPath(entry), "versions", version);
  if (await has(entry)) return root;
  if (!(await answers())) return undefined;
  try {
    await cached(entry, (target) =>
      progress.step(`Downloading Pulumi ${version}`, async (log) => {
        await run(
          log,
          process.execPath,
          [createRequire(import.meta.url).resolve("pulumi/run.js"), "version"],
          {
            env: { PULUMI_HOME: target, PULUMI_VERSION: version, PULUMI_SKIP_UPDATE_CHECK: "1" },
          },
        );
      }),
    );
    return root;
  } catch {
    progress.note("the download failed; Pulumi is built from its Go module instead");
    return undefined;
  }
}

async function answers(): Promise<boolean> {
  try {
    const { ok } = await fetch(SOURCE, { method: "HEAD", signal: AbortSignal.timeout(5000) });
    return ok;
  } catch {
    return false;
  }
}

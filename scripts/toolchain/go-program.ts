/** Programs that a rehearsal needs and that only come as Go modules. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureBase } from "../../rehearsal/images/base.ts";
import type { Progress } from "../progress.ts";
import { cached, entryPath, has, keyOf } from "./cache.ts";
import { hasGo, runGo } from "./go.ts";

export interface GoProgram {
  /** For the cache and for the person who waits: "pebble". */
  name: string;
  /** Of the module: "v2.10.1". */
  version: string;
  /** Import paths of the commands, without version. */
  commands: string[];
}

/**
 * Folder that holds the commands, statically linked, each named like the last part of its path. Built once per machine;
 * without Go on it a Docker engine must be running.
 */
export async function ensureGoProgram(
  progress: Progress,
  { name, version, commands }: GoProgram,
): Promise<string> {
  const modules = commands.map((command) => `${command}@${version}`);
  const entry = {
    kind: "tools",
    name,
    key: keyOf([process.platform, process.arch, ...modules]),
  };
  if (!(await has(entry))) {
    // Not inside the step that builds: a base image has steps of its own.
    const image = (await hasGo()) ? undefined : await ensureBase(progress, "trixie");
    await cached(entry, (target) =>
      progress.step(`Building ${name} ${version}`, async (log) => {
        await mkdir(join(target, "bin"), { recursive: true });
        const args = () => ["install", "-ldflags", "-s -w", ...modules];
        await runGo(log, { args, target, image });
      }),
    );
  }
  return join(entryPath(entry), "bin");
}

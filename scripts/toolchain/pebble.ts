/** An ACME server to rehearse with, and the DNS server that it asks. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureBase } from "../../rehearsal/images/base.ts";
import type { Progress } from "../progress.ts";
import { cached, entryPath, has, keyOf } from "./cache.ts";
import { hasGo, runGo } from "./go.ts";

const version = "v2.10.1";
const commands = ["pebble", "pebble-challtestsrv"].map(
  (name) => `github.com/letsencrypt/pebble/v2/cmd/${name}@${version}`,
);

/** Paths of the programs. */
export interface Pebble {
  pebble: string;
  challtestsrv: string;
}

/** Builds them once per machine, in half a minute; without Go on it a Docker engine must be running. */
export async function ensurePebble(progress: Progress): Promise<Pebble> {
  const key = keyOf([process.platform, process.arch, ...commands]);
  const entry = { kind: "pebble", name: "pebble", key };
  if (!(await has(entry))) {
    // Not inside the step that builds: a base image has steps of its own.
    const image = (await hasGo()) ? undefined : await ensureBase(progress, "trixie");
    await cached(entry, (target) =>
      progress.step(`Building Pebble ${version}`, async (log) => {
        await mkdir(join(target, "bin"), { recursive: true });
        await runGo(log, {
          args: () => ["install", "-ldflags", "-s -w", ...commands],
          target,
          image,
        });
      }),
    );
  }
  const bin = join(entryPath(entry), "bin");
  return { pebble: join(bin, "pebble"), challtestsrv: join(bin, "pebble-challtestsrv") };
}

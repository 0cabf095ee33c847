/** An ACME server to rehearse with, and the DNS server that it asks. */
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { ensureGoProgram } from "./go-program.ts";

/** Paths of the programs. */
export interface Pebble {
  pebble: string;
  challtestsrv: string;
}

/** Builds them once per machine, in half a minute. */
export async function ensurePebble(progress: Progress): Promise<Pebble> {
  const bin = await ensureGoProgram(progress, {
    name: "pebble",
    version: "v2.10.1",
    commands: ["pebble", "pebble-challtestsrv"].map(
      (name) => `github.com/letsencrypt/pebble/v2/cmd/${name}`,
    ),
  });
  return { pebble: join(bin, "pebble"), challtestsrv: join(bin, "pebble-challtestsrv") };
}

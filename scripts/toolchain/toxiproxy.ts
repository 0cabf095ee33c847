/** A proxy that answers slowly or not at all when it is told to, for tests of what a hub rests on. */
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { ensureGoProgram } from "./go-program.ts";

/** Path of the server's program, linked statically. Built once per machine, in half a minute. */
export async function ensureToxiproxy(progress: Progress): Promise<string> {
  const bin = await ensureGoProgram(progress, {
    name: "toxiproxy",
    version: "v2.12.0",
    commands: ["github.com/Shopify/toxiproxy/v2/cmd/server"],
  });
  return join(bin, "server");
}

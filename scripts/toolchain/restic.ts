/** The backup program that hubs use, for tests, measurements and the rehearsal's image of it. */
import { join } from "node:path";
import { defaultImages } from "../../hub/images.ts";
import type { Progress } from "../progress.ts";
import { ensureGoProgram } from "./go-program.ts";

/** The one that hubs run. */
export const resticVersion = defaultImages.restic.replace(/^.*:/, "");

/** Path of the program, linked statically. Built once per machine, in a minute. */
export async function ensureRestic(progress: Progress): Promise<string> {
  const bin = await ensureGoProgram(progress, {
    name: "restic",
    version: `v${resticVersion}`,
    commands: ["github.com/restic/restic/cmd/restic"],
  });
  return join(bin, "restic");
}

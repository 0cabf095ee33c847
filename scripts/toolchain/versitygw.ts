/** The S3 server behind the rehearsal's Spaces. */
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { ensureGoProgram } from "./go-program.ts";

/** Path of the program; built once per machine, in about a minute. */
export async function ensureVersitygw(progress: Progress): Promise<string> {
  const bin = await ensureGoProgram(progress, {
    name: "versitygw",
    version: "v1.8.0",
    commands: ["github.com/versity/versitygw/cmd/versitygw"],
  });
  return join(bin, "versitygw");
}

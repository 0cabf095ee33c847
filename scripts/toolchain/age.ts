/** age's own command line, to open by it what this program sealed. */
import type { Progress } from "../progress.ts";
import { ensureGoProgram } from "./go-program.ts";

/** Builds it once per machine, in half a minute. @returns the folder with age, age-keygen and age-plugin-batchpass */
export function ensureAge(progress: Progress): Promise<string> {
  const commands = ["age", "age-keygen", "age-plugin-batchpass"];
  return ensureGoProgram(progress, {
    name: "age",
    version: "v1.3.2",
    commands: commands.map((name) => `filippo.io/age/cmd/${name}`),
  });
}

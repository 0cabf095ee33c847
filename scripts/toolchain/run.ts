/** Runs a program for a step of a Progress: its output goes line by line into the step's log. */
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import type { Log } from "../progress.ts";

/**
 * Runs a program without input and returns its standard output, trimmed. `env` is added to this process's own.
 * Throws with the program's output when it ends with anything but 0.
 */
export async function run(
  log: Log,
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const child = execa(program, args, { cwd, env, stdin: "ignore", all: true });
  for await (const line of child.iterable({ from: "all" })) {
    const text = stripVTControlCharacters(line).trimEnd();
    if (text !== "") log(text);
  }
  const { stdout } = await child;
  return stdout.trim();
}

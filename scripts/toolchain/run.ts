/** Runs a program for a step of a Progress: its output goes line by line into the step's log. */
import { execa, type Options } from "execa";
import type { Log } from "../progress.ts";

/**
 * Runs a program and returns its standard output, trimmed.
 * Throws with the program's last lines when it ends with anything but 0.
 */
export async function run(
  log: Log,
  program: string,
  args: readonly string[],
  options: Options = {},
): Promise<string> {
  const child = execa(program, args, { ...options, all: true, stdin: options.stdin ?? "ignore" });
  child.all?.setEncoding("utf8");
  let rest = "";
  child.all?.on("data", (text: string) => {
    const lines = (rest + text).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") log(line);
  });
  const { stdout } = await child;
  return String(stdout).trim();
}

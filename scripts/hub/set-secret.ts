/** Keeps a secret setting, encrypted. */
import { ExecaError, execa } from "execa";
import { UserError } from "../../hub/user-error.ts";
import { explain } from "./explain.ts";
import type { OpenStack } from "./stack.ts";

/**
 * By standard input: the Automation API would put the value into an argument list, which everybody on the machine reads.
 * @param key with or without a path, without the namespace
 * @throws UserError with what the engine says
 */
export async function setSecret(
  { stack, env, pulumi, workDir }: Pick<OpenStack, "stack" | "env" | "pulumi" | "workDir">,
  key: string,
  value: string,
  path = false,
): Promise<void> {
  const args = ["config", "set", "--stack", stack.name, "--non-interactive", "--secret"];
  try {
    await execa(pulumi, [...args, ...(path ? ["--path"] : []), `aihub:${key}`], {
      ...{ cwd: workDir, env },
      // It takes the last line break off.
      input: `${value}\n`,
    });
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw new UserError(explain(new Error(String(error.stderr)), stack.name));
  }
}

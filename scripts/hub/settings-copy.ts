/** A copy of the stack's settings with one of them changed, for a look at what would happen. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ExecaError, execa } from "execa";
import { UserError } from "../../hub/user-error.ts";
import { explain } from "./explain.ts";
import { type OpenStack, stackFile } from "./stack.ts";

/**
 * The stack's own file is never touched: a run that is killed on the way would leave the change there, for the next to carry out.
 * @param work gets the path of the copy, which is gone afterwards
 * @throws UserError with what the engine says to the change
 */
export async function withSettingsCopy<T>(
  open: Pick<OpenStack, "stack" | "env" | "pulumi" | "workDir">,
  setting: { key: string; value: string },
  work: (file: string) => Promise<T>,
): Promise<T> {
  const { stack, env, pulumi, workDir } = open;
  const { path, text } = await stackFile(open);
  const folder = await mkdtemp(join(tmpdir(), "aihub-settings-"));
  try {
    const file = join(folder, basename(path));
    await writeFile(file, text);
    const args = ["config", "set", "--stack", stack.name, "--non-interactive"];
    // The Automation API changes the stack's own file only.
    await execa(pulumi, [...args, "--config-file", file, `aihub:${setting.key}`, setting.value], {
      cwd: workDir,
      env,
    }).catch((error) => {
      if (!(error instanceof ExecaError)) throw error;
      throw new UserError(explain(new Error(String(error.stderr)), stack.name));
    });
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

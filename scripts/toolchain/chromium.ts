/** A browser for the tests that look at the hub as a person does. */
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";
import type { Progress } from "../progress.ts";
import { installPackages, updatePackageLists } from "./debian-packages.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * Path of a Chromium: the one that CHROMIUM names, one on the PATH, or the Debian package, installed when there is none.
 * @throws UserError when none is there and none can be installed
 */
export async function ensureChromium(progress: Progress): Promise<string> {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const found = await onPath();
  if (found) return found;
  if (process.getuid?.() !== 0) {
    throw new UserError(
      "No Chromium on the PATH.\n  fix: install one, or name it: export CHROMIUM=/path/to/chromium",
    );
  }
  await progress.step("Installing chromium", async (log) => {
    await updatePackageLists(log);
    await installPackages(log, ["chromium"]);
  });
  const installed = await onPath();
  if (!installed) throw new UserError("chromium was installed, but is not on the PATH");
  return installed;
}

async function onPath(): Promise<string | undefined> {
  for (const name of names) {
    const { exitCode, stdout } = await execa("sh", ["-c", `command -v ${name}`], { reject: false });
    if (exitCode === 0) return stdout.trim();
  }
  return undefined;
}

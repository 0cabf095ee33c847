/** Folder of this machine for what belongs to a stack and is not the engine's. */
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { OpenStack } from "./stack.ts";

export async function localState(open: Pick<OpenStack, "stack" | "instance">): Promise<string> {
  const state = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const name = open.stack.name.replaceAll("/", "+");
  const folder = join(open.instance?.stateDir ?? join(state, "aihub", "cloud"), "stacks", name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

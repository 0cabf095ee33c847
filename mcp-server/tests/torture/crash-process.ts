/**
 * Does one writer's acts and kills itself at one of the system calls that change something. Arguments: the workspace; the last
 * done act; the act to be hit, 0 for the opening itself; before which call of it, counted from 1. Says which acts are done.
 */
import fs from "node:fs";
import fsp from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { perform } from "./plan.ts";

export type Said = { act: number } | "survived";

const [folder = "", last, target, at] = process.argv.slice(2);
let armed = false;
let calls = 0;

/** Opening changes something only where it makes a file. */
function count(name: string, flags: unknown): void {
  if (name === "openSync" && (Number(flags) & fs.constants.O_CREAT) === 0) return;
  if (armed && ++calls === Number(at)) process.kill(process.pid, "SIGKILL");
}

type Any = (...args: never[]) => unknown;
function watch(holder: object, name: string): void {
  const table = holder as Record<string, Any>;
  const original = table[name] as Any;
  table[name] = function (this: unknown, ...args: never[]) {
    count(name, args[1]);
    return original.apply(this, args);
  };
}

for (const name of [
  "openSync",
  "writeSync",
  "ftruncateSync",
  "fsync",
  "fsyncSync",
  "fdatasync",
  "fdatasyncSync",
  "renameSync",
  "linkSync",
  "unlinkSync",
  "mkdirSync",
  "rmdirSync",
  "rmSync",
  "copyFileSync",
  "fchmodSync",
  "chownSync",
])
  watch(fs, name);
for (const name of ["copyFile", "rename", "unlink", "rm"]) watch(fsp, name);
watch(DatabaseSync.prototype, "exec");
watch(StatementSync.prototype, "run");
syncBuiltinESMExports();

const { Workspace } = await import("../../src/workspace/workspace.ts");
const say = (said: Said) => new Promise<void>((resolve) => process.send?.(said, () => resolve()));

armed = target === "0";
const workspace = await Workspace.open(folder);
armed = false;
for (let act = Number(last) + 1; act <= Number(target); act++) {
  armed = act === Number(target);
  await perform(workspace, 0, act);
  armed = false;
  await say({ act });
}
await say("survived");
process.disconnect();
process.exit();

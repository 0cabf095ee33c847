import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { useHostFolders } from "./host-folders.ts";

const host = useHostFolders();
const main = new URL("../../recovery/main.ts", import.meta.url).pathname;

async function said(...args: string[]): Promise<string> {
  await host.put("lock", "");
  const env = { ...process.env, AIHUB_RECOVERY_LOCK: host.at("lock") };
  return promisify(execFile)(process.execPath, [main, ...args], { env }).then(
    ({ stdout }) => stdout,
    ({ stderr }) => stderr,
  );
}

it("the host's program tells what a verb takes", async () => {
  expect(await said("restore", "--help")).toMatch(
    /^aihub-recovery restore: brings back[\s\S]*--point VALUE\n[\s\S]*--dry-run\n/,
  );
});

it("the host's program tells what a verb does not take, without a stack", async () => {
  const text = await said("point", "--reson", "manual");
  expect(text).toMatch(/✘ Unknown option '--reson'\n {2}fix: aihub-recovery point --help/);
  expect(text).not.toMatch(/^ {4}at /m);
});

it("the host's program takes a name for a name that looks like a question", async () => {
  expect(await said("restore", "--", "file", "--help")).not.toMatch(/^aihub-recovery restore:/);
});

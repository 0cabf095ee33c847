import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { useHostFolders } from "./host-folders.ts";

const host = useHostFolders();
const main = new URL("../../recovery/main.ts", import.meta.url).pathname;

it("tells who has to wait for another run that he does", async () => {
  const lock = host.at("lock");
  await host.put("lock", "");
  const other = spawn("flock", ["--exclusive", lock, "sh", "-c", "echo held; read -r _"]);
  await new Promise((resolve) => other.stdout.once("data", resolve));
  const waiting = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", main, "resume"],
    {
      env: { ...process.env, AIHUB_RECOVERY_LOCK: lock },
    },
  );
  const answer = text(waiting.stdout);
  const [said] = await new Promise<Buffer[]>((resolve) =>
    waiting.stderr.once("data", (chunk: Buffer) => resolve([chunk])),
  );
  other.stdin.end("\n");
  expect(String(said)).toMatch(/^Another run goes on, .* for 60 minutes at most/);
  expect(await answer).toBe("Nothing was unfinished\n");
});

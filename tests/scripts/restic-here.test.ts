import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { resticFor } from "../../scripts/hub/restic-here.ts";

let bin: string;
beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), "aihub-restic-here-"));
  await symlink("/bin/sh", join(bin, "sh"));
  vi.stubEnv("PATH", bin);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

async function program(name: string, says: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\necho '${says}'\n`);
  await chmod(join(bin, name), 0o755);
}

const bucket = { location: "s3:https://s3.example.com/points", password: "p", access: {} };

it.each([
  ["one that is new enough", ["restic", "timeout"], "restic 0.18.1 compiled with go1.25", true],
  ["one that is too old", ["restic", "timeout"], "restic 0.16.4 compiled with go1.21", false],
  ["one that nothing would end in time, as on macOS", ["restic"], "restic 0.18.1 compiled", false],
  ["none", ["timeout"], "", false],
])("uses restic of this machine where there is %s: %s", async (_, programs, says, used) => {
  for (const name of programs) await program(name, says);
  expect((await resticFor(bucket)) !== undefined).toBe(used);
});

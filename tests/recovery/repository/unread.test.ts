/** What restic says that it could not read, by a stand-in: a disk with a fault is not to be had. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRepository } from "../../../recovery/repository/restic.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-unread-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** One that gives these lines on standard error, then the summary of a snapshot without some files. */
async function resticThatSays(script: string): Promise<string> {
  const program = join(folder, "restic");
  const summary = {
    message_type: "summary",
    ...{ files_new: 1, files_changed: 0, files_unmodified: 0, data_added: 1 },
    ...{ total_files_processed: 1, total_bytes_processed: 1, snapshot_id: "a".repeat(64) },
  };
  await writeFile(
    program,
    `#!/bin/sh\n{ ${script}; } >&2\necho '${JSON.stringify(summary)}'\nexit 3\n`,
  );
  await chmod(program, 0o755);
  return program;
}

const said = (item: string, message: string) =>
  JSON.stringify({ message_type: "error", error: { message }, during: "archival", item });

test("a file with a fault is told after any number of files that went", async () => {
  const went = said("/gone/'$n'", "lstat /gone: no such file or directory");
  const program = await resticThatSays(
    `for n in $(seq 1 250); do echo '${went}'; done; echo '${said("/faulty", "read /faulty: input/output error")}'`,
  );
  const repository = openRepository({
    program,
    location: join(folder, "repository"),
    password: "of the tests",
    cacheDir: join(folder, "cache"),
  });
  const { unread } = await repository.backup({ paths: ["/x"], tags: [], host: "h" });
  expect(unread).toContainEqual({ item: "/faulty", reason: "read /faulty: input/output error" });
  expect(unread.length).toBe(101);
});

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { ESCROW_RECORD, escrowRecordSchema, recordScript } from "../../escrow/record.ts";

const sh = promisify(execFile);

it("leaves a record that reads back, and only where the volume is mounted", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aihub-record-test-"));
  try {
    const record = { time: "2026-11-25T08:00:00.000Z", fingerprint: "0123456789abcdef" };
    const here = (script: string) => script.replaceAll("/data/hub", folder);
    const unmounted = here(recordScript(record)).replace("mountpoint -q /data", "false");
    await expect(sh("sh", ["-c", unmounted])).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
    for (const fingerprint of ["0123456789abcdef", "fedcba9876543210"]) {
      const script = here(recordScript({ ...record, fingerprint }));
      await sh("sh", ["-c", script.replace("mountpoint -q /data", "true")]);
      const path = here(ESCROW_RECORD);
      expect(escrowRecordSchema.parse(JSON.parse(await readFile(path, "utf8")))).toEqual({
        ...record,
        fingerprint,
      });
      expect(await readdir(join(folder, "recovery"))).toEqual(["escrow.json"]);
      expect((await stat(join(folder, "recovery"))).mode & 0o777).toBe(0o700);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

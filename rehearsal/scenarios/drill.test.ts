/** The fire drill: the hub comes back from nothing but its backups and its escrow; damage is found. */
import { mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DrillRecord } from "../../recovery/drill/record.ts";
import { currentInstance } from "../instance.ts";
import { cloudApi } from "./cloud-api.ts";
import {
  beUp,
  holdTimers,
  hub,
  hubOk,
  instanceName,
  onHost,
  outputs,
  signIn,
  startTimers,
} from "./hub.ts";

const instance = currentInstance(instanceName);
let folder: string;
let escrow: string[];

beforeAll(async () => {
  await beUp();
  // No point is taken out of a bucket that is being damaged, and none is let go of that a drill reads.
  await holdTimers();
  folder = await mkdtemp(join(tmpdir(), "aihub-drill-"));
  const passphrase = join(folder, "passphrase");
  await writeFile(passphrase, "correct horse battery staple again\n", { mode: 0o600 });
  escrow = ["--escrow", join(folder, "hub.age"), "--passphrase-file", passphrase];
  // The night's work leaves the canary, and a point with it.
  await onHost("aihub-recovery nightly >/dev/null 2>&1 || aihub-recovery point >/dev/null");
  await hubOk(["escrow", "--out", join(folder, "hub.age"), "--passphrase-file", passphrase]);
});

afterAll(async () => {
  await hub(["drill", "--clean"]);
  await startTimers();
  await rm(folder, { recursive: true, force: true });
});

/** Names of the droplets there are. */
async function droplets(): Promise<string[]> {
  const { droplets: found } = await cloudApi<{ droplets: { name: string }[] }>(
    "GET",
    "/v2/droplets",
  );
  return found.map(({ name }) => name);
}

// Before the drill that goes well: an alarm stays until there is one.
describe("damage in the bucket", () => {
  it("is found and named, and is no good drill", async () => {
    const undo = await damagePacks(join(instance.cloudDir, "spaces"));
    try {
      const run = await hub(["drill", ...escrow, "--json"]);
      expect(run.exitCode, run.all.slice(-2000)).toBe(1);
      const { ok, checks } = JSON.parse(run.stdout) as DrillRecord;
      expect(ok).toBe(false);
      expect(checks.find((check) => !check.ok)?.detail).toMatch(/damaged|hash|ciphertext|corrupt/i);
      expect(await droplets()).toHaveLength(1);
    } finally {
      await undo();
    }
  });
});

describe("the fire drill", () => {
  it("opens nothing by another passphrase", async () => {
    const wrong = join(folder, "wrong");
    await writeFile(wrong, "another passphrase altogether\n");
    const run = await hub(["drill", ...escrow.slice(0, 2), "--passphrase-file", wrong]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/passphrase does not open the escrow/);
    expect(await droplets()).toHaveLength(1);
  });

  it("has the hub again, reads it as a user does, writes nothing to its backups and leaves nothing", async () => {
    const points = (await hubOk(["points", "--json"])).stdout;
    const run = await hubOk(["drill", ...escrow, "--json"]);
    const drill = JSON.parse(run.stdout) as DrillRecord;
    console.log(
      `recovery time ${drill.recoveryTimeSeconds} s, recovery point ${drill.recoveryPointSeconds} s`,
    );
    expect(drill.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(drill.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "read a chat",
        "read a file",
        "called a tool",
        "as many rows as the point says",
      ]),
    );
    expect(drill.ok).toBe(true);
    const after = JSON.parse((await hubOk(["points", "--json"])).stdout) as { reason: string }[];
    // The hub itself may have made one meanwhile, by its clock.
    expect(after.filter(({ reason }) => reason !== "scheduled")).toEqual(
      (JSON.parse(points) as { reason: string }[]).filter(({ reason }) => reason !== "scheduled"),
    );
    expect(await droplets()).toHaveLength(1);
    await signIn(await outputs());
  });

  it("left a genuine record here and on the hub", async () => {
    const shown = JSON.parse((await hubOk(["drill", "--show", "--json"])).stdout) as {
      ok: boolean;
      genuine: boolean;
    }[];
    expect(shown.at(-1)).toMatchObject({ ok: true, genuine: true });
    const status = JSON.parse(await onHost("cat /data/hub/status/backup.json"));
    expect(status.lastGoodDrill).toBe(status.lastDrill.time);
  });
});

/** Turns one byte in the middle of each pack over, in place. */
async function damagePacks(spaces: string): Promise<() => Promise<void>> {
  const files = (await readdir(spaces, { recursive: true })).filter((path) =>
    /\/data\/[0-9a-f]{2}\/[0-9a-f]{64}$/.test(path),
  );
  expect(files.length).toBeGreaterThan(0);
  const flip = async () => {
    for (const path of files) {
      const full = join(spaces, path);
      const at = Math.floor((await stat(full)).size / 2);
      const file = await open(full, "r+");
      try {
        const byte = Buffer.alloc(1);
        await file.read(byte, 0, 1, at);
        byte.writeUInt8(byte.readUInt8(0) ^ 0xff);
        await file.write(byte, 0, 1, at);
      } finally {
        await file.close();
      }
    }
  };
  await flip();
  return flip;
}

/** Records of fire drills, and the settings of their hosts. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import type { EscrowContents } from "../../escrow/contents.ts";
import { type DrillRecord, isGenuine, signedDrillSchema } from "../../recovery/drill/record.ts";
import { sshKeyPair } from "../../rehearsal/ssh-key-pair.ts";
import { drillsOf, signDrill } from "../../scripts/hub/drill-log.ts";
import { drillContents, drillVolumeGib } from "../../scripts/hub/drill-settings.ts";

const record: DrillRecord = {
  version: 1,
  time: "2026-11-25T12:00:00.000Z",
  stack: "prod",
  ok: true,
  point: {
    name: "2026-11-25T11-45-00Z-scheduled",
    snapshot: "0a1b2c3d",
    time: "2026-11-25T11:45:00.000Z",
  },
  recoveryTimeSeconds: 300,
  recoveryPointSeconds: 900,
  checks: [{ name: "read a chat", ok: true, detail: "Hub canary" }],
  versions: { release: "0123456789abcdef" },
};

describe("a record", () => {
  const mine = sshKeyPair();
  const other = sshKeyPair();
  const signed = signDrill(record, mine.private);

  it("is genuine by the key that signed it, also after it was written and read", () => {
    expect(isGenuine(signed, [`${mine.public} root@hub`])).toBe(true);
    const again = signedDrillSchema.parse(JSON.parse(JSON.stringify(signed)));
    expect(isGenuine(again, [other.public, mine.public])).toBe(true);
  });

  it("is not by another's, nor once a word of it is changed", () => {
    expect(isGenuine(signed, [other.public])).toBe(false);
    expect(isGenuine(signed, [])).toBe(false);
    expect(isGenuine({ ...signed, key: other.public }, [other.public])).toBe(false);
    const changed = { ...signed, record: { ...record, ok: false } };
    expect(isGenuine(changed, [mine.public])).toBe(false);
    const later = { ...signed, record: { ...record, time: "2026-12-25T12:00:00.000Z" } };
    expect(isGenuine(later, [mine.public])).toBe(false);
    expect(isGenuine({ ...signed, signature: "" }, [mine.public])).toBe(false);
  });

  it("stands in a log beside others, and lines that are none are left out", () => {
    const text = `${JSON.stringify(signed)}\n{"half\n${JSON.stringify(signDrill(record, other.private))}\n`;
    expect(drillsOf(text, mine.public).map(({ genuine }) => genuine)).toEqual([true, false]);
    expect(drillsOf(text, undefined).map(({ genuine }) => genuine)).toEqual([false, false]);
  });
});

describe("the host's program", { timeout: 60_000 }, () => {
  let folder: string;
  const mine = sshKeyPair();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aihub-drill-"));
    await writeFile(join(folder, "keys"), `${mine.public} login\n`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const recovery = (input: string) =>
    execFileSync(
      process.execPath,
      [new URL("../../recovery/main.ts", import.meta.url).pathname, "record-drill", "--json"],
      {
        input,
        encoding: "utf8",
        stdio: ["pipe", "pipe", "pipe"],
        env: {
          ...process.env,
          AIHUB_VOLUME: folder,
          AIHUB_ROOT: folder,
          AIHUB_AUTHORIZED_KEYS: join(folder, "keys"),
          AIHUB_RECOVERY_LOCK: join(folder, "lock"),
        },
      },
    );

  it("notes a record of its own hub and tells of it", async () => {
    recovery(JSON.stringify(signDrill(record, mine.private)));
    const log = await readFile(join(folder, "hub/recovery/drills.jsonl"), "utf8");
    expect(drillsOf(log, mine.public)).toHaveLength(1);
    const standing = JSON.parse(await readFile(join(folder, "hub/recovery/standing.json"), "utf8"));
    expect(standing).toMatchObject({
      lastGoodDrill: record.time,
      lastDrill: { ok: true, recoveryTimeSeconds: 300, recoveryPointSeconds: 900 },
    });
  });

  it("takes none that somebody else signed, nor what is none", () => {
    const other = sshKeyPair();
    expect(() => recovery(JSON.stringify(signDrill(record, other.private)))).toThrow(
      /not signed by the hub's own key/,
    );
    expect(() => recovery("{}")).toThrow(/no record of a drill/);
  });
});

describe("the settings of a drill", () => {
  const contents = {
    version: 1,
    made: "2026-11-25T12:00:00.000Z",
    stack: "prod",
    url: "https://aihub.example.com",
    settings: {
      domain: "example.com",
      adminEmail: "admin@example.com",
      adminCidrs: '["203.0.113.7/32"]',
      alertEmail: "ops@example.com",
      tlsMode: "acme",
      acmeServer: "https://ca.example.com/directory",
      hostGeneration: "7",
      volumeSizeGib: "200",
      backup:
        '{"to":"spaces","copyTo":"sftp:a@b:/c","copyHostKey":"ssh-ed25519 A","everyMinutes":"30"}',
    },
    secrets: {
      databaseUrl: "postgresql://u:p@db.example.com/hub",
      redisUrl: "rediss://u:p@c.example.com:1",
    },
    passwords: {},
    repository: { location: "s3:https://nyc3.example.com/bucket", password: "x", access: {} },
  } as unknown as EscrowContents;
  const host = { size: "s-2vcpu-4gb", volumeSizeGib: 12 };

  it("reach nothing that the real hub uses, and never write to its backups", () => {
    const { settings, secrets } = drillContents(contents, host);
    expect(secrets).toEqual({});
    const { settings: parsed } = parseConfig({
      ...settings,
      backup: JSON.stringify({ ...JSON.parse(settings.backup as string), to: "off" }),
    });
    expect(parsed).toMatchObject({
      dns: "elsewhere",
      tlsMode: "internal",
      hostGeneration: 1,
      volumeSizeGib: 12,
      adminCidrs: ["203.0.113.7/32"],
      backup: { readOnly: true },
    });
    expect(parsed.alertEmail).toBeUndefined();
    expect(parsed.backup.copyTo).toBeUndefined();
  });

  it("refuse points that lie on the hub's own host", () => {
    const here = {
      ...contents,
      repository: { ...contents.repository, location: "/var/backups/aihub" },
    };
    expect(() => drillContents(here, host)).toThrow(/on the hub's host itself/);
  });

  it("make room for what the point holds, and no more than the hub has", () => {
    expect(drillVolumeGib(undefined, 50)).toBe(50);
    expect(drillVolumeGib(1024 ** 3, 50)).toBe(10);
    expect(drillVolumeGib(20 * 1024 ** 3, 100)).toBe(55);
    expect(drillVolumeGib(90 * 1024 ** 3, 100)).toBe(100);
  });
});

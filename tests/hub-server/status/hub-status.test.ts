import { describe, expect, it } from "vitest";
import { backupReportOf } from "../../../hub-server/status/backup-report.ts";
import { hostReportOf } from "../../../hub-server/status/host-report.ts";
import { hubStatusOf, type StatusParts } from "../../../hub-server/status/hub-status.ts";
import { rolloutsOf } from "../../../hub-server/status/rollout-log.ts";
import { statusText } from "../../../hub-server/status/status-text.ts";
import { containerOf, reportOf } from "../report.ts";

const now = Date.parse("2026-06-01T12:00:00Z");
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
const statusOf = (over: Partial<StatusParts> = {}) =>
  hubStatusOf({
    now,
    report: reportOf({ time: at(-10) }),
    releases: [],
    backup: { lastBackup: null, lastProof: null, lastDrill: null, alarms: [] },
    certificate: null,
    keeping: undefined,
    ...over,
  });

describe("the status of a hub", () => {
  it("has the services by name, with the tag of their image", () => {
    const { services, healthy, stale, version } = statusOf();
    expect(services.map(({ name, version }) => [name, version])).toEqual([
      ["nginx", "1.2"],
      ["open-webui", "1.2"],
    ]);
    expect({ healthy, stale, version }).toEqual({
      healthy: true,
      stale: false,
      version: "0123456789abcdef",
    });
  });

  it("says what stands in the way of a certificate", () => {
    const keeping = {
      state: "waiting",
      message: "hub.example.com has no address. Make the record.",
      nextCheck: at(60),
      notAfter: null,
      writtenAt: at(0),
      daysLeft: null,
      issuer: null,
      ledger: { issued: 0, failed: 0, trials: 0, last: null },
    } as const;
    const { state, message, nextCheck } = keeping;
    const status = statusOf({ keeping });
    expect(status.keeping).toEqual({ state, message, nextCheck });
    expect(statusText(status, now)).toContain("✘ certificate: hub.example.com has no address.");
    const well = statusOf({ keeping: { ...keeping, state: "serving", message: "good" } });
    expect(statusText(well, now)).not.toContain("✘ certificate");
    expect(statusOf().keeping).toBeNull();
  });

  it.each([
    ["unhealthy", containerOf("nginx", { health: "unhealthy" }), "unhealthy"],
    ["starting", containerOf("nginx", { health: "starting" }), "starting"],
    ["without a check", containerOf("nginx", { health: null }), "running"],
    ["ended", containerOf("nginx", { state: "exited", health: "healthy" }), "exited"],
  ])("is not well with a service that is %s", (_what, container, health) => {
    const status = statusOf({ report: reportOf({ time: at(0), containers: [container] }) });
    expect(status.healthy).toBe(false);
    expect(status.services[0]?.health).toBe(health);
  });

  it.each([
    ["no report", undefined],
    ["no service", reportOf({ time: at(0), containers: [] })],
    ["no Docker", reportOf({ time: at(0), containers: null })],
  ])("is not well with %s", (_what, report) => {
    expect(statusOf({ report }).healthy).toBe(false);
  });

  it.each([
    [-59, false],
    [-61, true],
    [61, true],
  ])("of a report from %i s is stale: %s", (seconds, stale) => {
    const status = statusOf({ report: reportOf({ time: at(seconds) }) });
    expect(status.stale).toBe(stale);
    expect(status.healthy).toBe(!stale);
    expect(status.services).toHaveLength(2);
  });

  it("is stale when the report's time is none", () => {
    expect(statusOf({ report: reportOf({ time: "yesterday" }) }).stale).toBe(true);
  });

  it.each([
    [86_400 * 10 + 5, 10],
    [5, 0],
    [-5, -1],
  ])("counts the certificate's whole days: %i s are %i", (seconds, daysLeft) => {
    const certificate = { notAfter: at(seconds), issuer: "CA", subject: "hub" };
    expect(statusOf({ certificate }).certificate?.daysLeft).toBe(daysLeft);
  });

  it("takes a limit of 0 for none", () => {
    const containers = [containerOf("nginx", { memory: { used: 5, limit: 0 } })];
    const [service] = statusOf({ report: reportOf({ containers }) }).services;
    expect(service?.memory).toEqual({ used: 5, limit: null });
  });

  it("reads in a terminal", () => {
    const text = statusText(statusOf(), now);
    expect(text).toMatch(/^✔ nginx +healthy +1\.2/m);
    expect(text).toContain("release 0123456789abcdef");
    const old = statusText(statusOf({ report: reportOf({ time: at(-600) }) }), now);
    expect(old).toContain("the host's report is old: 10 minutes");
    expect(statusText(statusOf({ report: undefined }), now)).toContain("has given no report");
  });
});

describe("what the host wrote", () => {
  it.each(["", "{", "null", "[]", '{"time":1}', JSON.stringify({ ...reportOf(), volume: "much" })])(
    "is no report: %s",
    (text) => {
      expect(hostReportOf(text)).toBeUndefined();
    },
  );

  it("is a report as it is written", () => {
    expect(hostReportOf(JSON.stringify(reportOf()))).toEqual(
      expect.objectContaining({ release: "0123456789abcdef" }),
    );
  });

  it("tells of rollouts, the newest first, but for lines that are none", () => {
    const line = (digest: string) =>
      JSON.stringify({ time: at(0), digest, outcome: "taken", reason: "", from: "" });
    const text = `${line("a")}\n{"half\n${line("b")}\n{"outcome":"odd"}\n${line("c")}\n`;
    expect(rolloutsOf(text).map(({ digest }) => digest)).toEqual(["c", "b", "a"]);
    expect(rolloutsOf(text, 1)).toHaveLength(1);
    expect(rolloutsOf("")).toEqual([]);
  });

  it.each(["", "{}", "[", '{"enabled":true,"since":"soon"}'])(
    "takes no news of backups for bad news: %s",
    (text) => {
      const report = backupReportOf(text, Date.now());
      expect(report).toMatchObject({ lastBackup: null, lastProof: null, lastDrill: null });
      expect(report.alarms).toMatchObject([{ kind: "point", severity: "alarm" }]);
    },
  );

  it("judges backups by the time of reading", () => {
    const text = JSON.stringify({
      enabled: true,
      since: at(0),
      lastPoint: { time: at(0), name: "n" },
      lastProof: { time: at(0), good: true, problems: [] },
      lastGoodProof: at(0),
      lastDrill: { time: at(0), ok: true },
      lastGoodDrill: at(0),
      escrow: { time: at(0), fits: true },
    });
    const kinds = (hours: number) =>
      backupReportOf(text, Date.parse(at(0)) + hours * 3_600_000).alarms.map(({ kind }) => kind);
    expect(kinds(26)).toEqual([]);
    expect(kinds(27)).toEqual(["point", "proof"]);
    expect(kinds(8 * 24 + 1)).toEqual(["point", "proof", "drill", "prune"]);
    expect(backupReportOf(text, Date.now())).toMatchObject({
      lastBackup: at(0),
      lastProof: at(0),
      lastDrill: at(0),
    });
  });
});

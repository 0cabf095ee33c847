import { expect, it, vi } from "vitest";
import { useHostFolders } from "./host-folders.ts";

const host = useHostFolders();

async function applied(secrets: object): Promise<void> {
  const folder = host.at("opt/secrets/recovery-1");
  await host.put("opt/secrets/applied.env", `SECRETS_RECOVERY=${folder}\n`);
  await host.put("opt/secrets/recovery-1/recovery.json", JSON.stringify(secrets));
}

const behind = {
  lastCopy: "2026-11-01T02:00:00.000Z",
  copyProblem: { time: "2026-11-02T02:00:00.000Z", what: "It is away." },
};
const secrets = { password: "p", mcpToken: "m", adminPassword: "a" };

it("forgets a second copy that is wanted no longer", async () => {
  const { record, standing } = await import("../../recovery/report.ts");
  await applied({ ...secrets, copy: { location: "/mnt/copy" } });
  await record((state) => Object.assign(state, behind));
  expect(await standing()).toMatchObject(behind);
  await applied(secrets);
  await record(() => {});
  expect(await standing()).not.toHaveProperty("lastCopy");
  expect(await standing()).not.toHaveProperty("copyProblem");
});

it("remembers it while nobody can tell what is wanted", async () => {
  const { record, standing } = await import("../../recovery/report.ts");
  await record((state) => Object.assign(state, behind));
  expect(await standing()).toMatchObject(behind);
});

it("pulls back a beginning that lies ahead", async () => {
  const { record, standing } = await import("../../recovery/report.ts");
  await host.put(
    "data/hub/recovery/standing.json",
    JSON.stringify({ enabled: true, since: "2999-01-01T00:00:00.000Z" }),
  );
  await record(() => {});
  const { since } = await standing();
  expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
});

it("counts from now on when backups are switched on again", async () => {
  const { record, standing } = await import("../../recovery/report.ts");
  const settings = (enabled: boolean) => ({
    ...{ enabled, url: "https://hub.example.com", everyMinutes: 15, nightlyAt: "02:00" },
    ...{ keep: { hourly: 1, daily: 1, weekly: 1, monthly: 1 }, adminEmail: "a@example.com" },
    ...{ database: "embedded", cache: "embedded", postgresImage: "postgres" },
  });
  const use = (enabled: boolean) =>
    host.put("opt/current/recovery/settings.json", JSON.stringify(settings(enabled)));
  const since = "2026-01-01T00:00:00.000Z";
  await host.put("data/hub/recovery/standing.json", JSON.stringify({ enabled: true, since }));
  await use(true);
  await record(() => {});
  expect((await standing()).since).toBe(since);
  await use(false);
  await record(() => {});
  expect(await standing()).toMatchObject({ enabled: false, since });
  await use(true);
  await record(() => {});
  const again = await standing();
  expect(again.enabled).toBe(true);
  expect(Date.parse(again.since)).toBeGreaterThan(Date.parse(since));
});

it("keeps what each of several at a time has to say", async () => {
  const { record, standing } = await import("../../recovery/report.ts");
  const [lastGoodProof, lastPrune, lastCheck] = ["proof", "prune", "check"];
  await Promise.all([
    record((state) => Object.assign(state, { lastGoodProof })),
    record(() => {}),
    record((state) => Object.assign(state, { lastPrune })),
    record(() => {}),
    record((state) => Object.assign(state, { lastCheck })),
  ]);
  expect(await standing()).toMatchObject({ lastGoodProof, lastPrune, lastCheck });
});

it("says how it stands also where there is no flock", async () => {
  vi.stubEnv("PATH", host.at("nowhere"));
  const { record } = await import("../../recovery/report.ts");
  expect(await record(() => {})).toMatchObject({ enabled: true });
});

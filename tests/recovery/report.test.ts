import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "aihub-report-"));
  vi.stubEnv("AIHUB_ROOT", join(place, "opt"));
  vi.stubEnv("AIHUB_VOLUME", join(place, "data"));
  vi.resetModules();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(place, { recursive: true });
});

async function applied(secrets: object): Promise<void> {
  const folder = join(place, "opt/secrets/recovery-1");
  await mkdir(folder, { recursive: true });
  await writeFile(join(place, "opt/secrets/applied.env"), `SECRETS_RECOVERY=${folder}\n`);
  await writeFile(join(folder, "recovery.json"), JSON.stringify(secrets));
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

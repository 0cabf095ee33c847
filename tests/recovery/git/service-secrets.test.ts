import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "aihub-secrets-"));
  vi.stubEnv("AIHUB_ROOT", join(place, "opt"));
  vi.stubEnv("AIHUB_VOLUME", join(place, "data"));
  vi.resetModules();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(place, { recursive: true });
});

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(place, path, ".."), { recursive: true });
  await writeFile(join(place, path), text);
}
const read = async () =>
  (await import("../../../recovery/git/service-secrets.ts")).serviceSecrets();

it("reads them off what was applied, passwords out of addresses, and the keys", async () => {
  const folder = (name: string) => join(place, "opt/secrets", name);
  await put(
    "opt/secrets/applied.env",
    `SECRETS_POSTGRES=${folder("postgres-1")}\nSECRETS_OPEN_WEBUI=${folder("open-webui-2")}\nSECRETS_NGINX=${folder("nginx-3")}\n`,
  );
  await put("opt/secrets/postgres-1/password", "of-the-database");
  await put("opt/secrets/postgres-0/password", "of-another-time");
  await put(
    "opt/secrets/open-webui-2/open-webui.env",
    "WEBUI_SECRET_KEY=signs=sessions\nREDIS_URL=redis://:of%2Fthe-cache@valkey:6379/0\nOPENAI_API_BASE_URL=https://models.example/v1\n",
  );
  await put("opt/secrets/nginx-3/tls.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END");
  await put("data/hub/server-key/api-key", "sk-of-the-chat\n");
  expect((await read()).sort()).toEqual([
    "of-the-database",
    "of/the-cache",
    "signs=sessions",
    "sk-of-the-chat",
  ]);
});

it("finds nothing on a host that has not run anything", async () => {
  expect(await read()).toEqual([]);
});

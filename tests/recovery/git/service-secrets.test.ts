import { expect, it } from "vitest";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();
const read = async () =>
  (await import("../../../recovery/git/service-secrets.ts")).serviceSecrets();

it("reads them off what was applied, passwords out of addresses, and the keys", async () => {
  const folder = (name: string) => host.at(`opt/secrets/${name}`);
  await host.put(
    "opt/secrets/applied.env",
    `SECRETS_POSTGRES=${folder("postgres-1")}\nSECRETS_OPEN_WEBUI=${folder("open-webui-2")}\nSECRETS_NGINX=${folder("nginx-3")}\n`,
  );
  await host.put("opt/secrets/postgres-1/password", "of-the-database");
  await host.put("opt/secrets/postgres-0/password", "of-another-time");
  await host.put(
    "opt/secrets/open-webui-2/open-webui.env",
    "WEBUI_SECRET_KEY=signs=sessions\nREDIS_URL=redis://:of%2Fthe-cache@valkey:6379/0\nOPENAI_API_BASE_URL=https://models.example/v1\n",
  );
  await host.put("opt/secrets/nginx-3/tls.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END");
  await host.put("data/hub/server-key/api-key", "sk-of-the-chat\n");
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

import { expect, it } from "vitest";
import { renderSecretFiles } from "../../../render/secrets.ts";
import { exampleHub, secrets } from "../../render/example.ts";
import { unpack } from "../../render/unpack.ts";
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
    "WEBUI_SECRET_KEY='signs:sessions=well'\nREDIS_URL='redis://:of%2Fthe-cache@valkey:6379/0'\nOPENAI_API_BASE_URL='https://models.example/v1'\nOPENAI_API_KEY=''\n",
  );
  await host.put("opt/secrets/nginx-3/tls.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END");
  await host.put("data/hub/server-key/api-key", "sk-of-the-chat\n");
  expect((await read()).sort()).toEqual([
    "of-the-database",
    "of/the-cache",
    "signs:sessions=well",
    "sk-of-the-chat",
  ]);
});

it("knows every value of the files as the program writes them", async () => {
  const hub = exampleHub({ modelApiUrl: "https://models.example.com/v1" });
  const all = await unpack(
    (
      await renderSecretFiles(hub, {
        ...secrets,
        redisUrl: "rediss://default:of-an-external-cache%@redis.example.com:6380/0",
        databaseUrl: "postgresql://u:of%20an-external-database@db.example.com:5432/d",
        modelApiKey: "sk-of-the-models",
      })
    ).archive,
  );
  for (const [path, { content }] of Object.entries(all))
    await host.put(`opt/secrets/${path}`, content);
  await host.put(
    "opt/secrets/applied.env",
    (all["current.env"]?.content ?? "").replaceAll("/opt/aihub/secrets", host.at("opt/secrets")),
  );
  expect(await read()).toEqual(
    expect.arrayContaining([
      ...[secrets.webuiSecretKey, secrets.adminPassword, secrets.mcpToken],
      ...["of-an-external-cache%", "of an-external-database", "sk-of-the-models"],
    ]),
  );
  expect((await read()).filter((value) => /'|models\.example/.test(value))).toEqual([]);
});

it("finds nothing on a host that has not run anything", async () => {
  expect(await read()).toEqual([]);
});

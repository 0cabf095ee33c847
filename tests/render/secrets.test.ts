import { describe, expect, it } from "vitest";
import { renderRelease } from "../../render/release.ts";
import { renderSecretFiles, type SecretFiles } from "../../render/secrets.ts";
import { bundles, exampleHub, secrets } from "./example.ts";
import { type Entry, unpack } from "./unpack.ts";

const entries = (files: SecretFiles) => unpack(files.archive);

const find = (all: Record<string, Entry>, pattern: RegExp) =>
  Object.entries(all).find(([path]) => pattern.test(path))?.[1];

describe("secret files", () => {
  it("hold the secrets, readable by their service alone", async () => {
    const all = await entries(await renderSecretFiles(exampleHub(), secrets));
    expect(find(all, /^nginx-[0-9a-f]{12}\/tls.key$/)).toMatchObject({ mode: 0o400, uid: 101 });
    expect(find(all, /^mcp-server-.*\/mcp-token$/)).toMatchObject({
      content: "the-mcp-token",
      mode: 0o400,
      uid: 1000,
    });
    expect(find(all, /^open-webui-.*\/open-webui.env$/)?.content).toContain(
      "DATABASE_URL='postgresql://hub:the-postgres-password@postgres:5432/hub'",
    );
    expect(all["current.env"]?.content).toMatch(
      /^SECRETS_VALKEY=\/opt\/aihub\/secrets\/valkey-[0-9a-f]{12}$/m,
    );
  });

  it("change the folder of the services that use a changed secret, and no other", async () => {
    const lines = async (changed: Partial<typeof secrets>) =>
      (await entries(await renderSecretFiles(exampleHub(), { ...secrets, ...changed })))[
        "current.env"
      ]?.content.split("\n") ?? [];
    const before = await lines({});
    const touched = (await lines({ mcpToken: "another" }))
      .filter((line) => !before.includes(line))
      .map((line) => line.split("=")[0]);
    expect(touched).toEqual(["SECRETS_MCP_SERVER", "SECRETS_SETUP", "SECRETS_RECOVERY"]);
  });

  it("name external services when they are given", async () => {
    const databaseUrl = "postgresql://u:p@db.example.com:5432/d";
    const hub = exampleHub({ databaseUrl });
    const all = await entries(await renderSecretFiles(hub, { ...secrets, databaseUrl }));
    expect(find(all, /open-webui.env$/)?.content).toContain(`DATABASE_URL='${databaseUrl}'`);
    expect(find(all, /^postgres-/)).toBeUndefined();
  });

  it("are nowhere in the release", async () => {
    const release = await renderRelease(exampleHub(), bundles);
    const text = Object.values(release.files)
      .map((file) => file.content)
      .join("\n");
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
  });
});

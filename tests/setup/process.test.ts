/** The job as the host runs it: one bundled file, told by its environment. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fake, fakeOpenWebui } from "./fake-open-webui.ts";

let fake: Fake;
let folder: string;
let env: Record<string, string>;
const secrets = [
  "password-of-the-admin",
  "token-of-the-mcp-server",
  "key-of-the-model-api",
] as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-setup-"));
  fake = await fakeOpenWebui("admin@example.org", secrets[0]);
  await build({
    entryPoints: [new URL("../../setup/main.ts", import.meta.url).pathname],
    outfile: join(folder, "setup.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  const [password, token, key] = ["password", "token", "key"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all([password, token, key].map((file, i) => writeFile(file, `${secrets[i]}\n`)));
  env = {
    OPEN_WEBUI_URL: `${fake.url}/`,
    ADMIN_EMAIL: "admin@example.org",
    ADMIN_PASSWORD_FILE: password,
    PUBLIC_URL: "https://hub.example.org",
    MCP_URL: "http://mcp-server:8000/mcp",
    MCP_TOKEN_FILE: token,
    STATE_DIR: join(folder, "state"),
    CHAT_KEY_DIR: join(folder, "chat-key"),
    SERVER_KEY_DIR: join(folder, "server-key"),
    TOOLS_FOR: "admins",
    CHAT_SERVER_TOOLS: "off",
    MODEL_API_URL: "https://models.example.org/v1",
    MODEL_API_KEY_FILE: key,
  };
});
afterAll(async () => {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (changes: Record<string, string> = {}) =>
  execa(process.execPath, [join(folder, "setup.mjs")], {
    env: { ...env, ...changes },
    extendEnv: false,
    reject: false,
    all: true,
  });

describe("the setup job", () => {
  it("prints one line of JSON and no secret", async () => {
    const first = await run();
    expect(first.exitCode, first.all).toBe(0);
    expect(first.stdout.split("\n")).toHaveLength(1);
    expect(JSON.parse(first.stdout)).toMatchObject({ tools: ["read_code"] });
    const second = await run();
    expect(JSON.parse(second.stdout)).toEqual({ changed: [], tools: ["read_code"] });
    const key = await readFile(join(folder, "state/api-key"), "utf8");
    for (const secret of [...secrets, key.trim()]) {
      expect(first.all + second.all).not.toContain(secret);
    }
    expect(fake.settings["openai.api_keys"]).toEqual([secrets[2]]);
  });

  it("connects a model API without a key when there is no file with one", async () => {
    const result = await run({ MODEL_API_KEY_FILE: join(folder, "none") });
    expect(result.exitCode, result.all).toBe(0);
    expect(fake.settings["openai.api_keys"]).toEqual([""]);
  });

  it("disconnects it when it is set no more", async () => {
    const result = await run({ MODEL_API_URL: "" });
    expect(result.exitCode, result.all).toBe(0);
    expect(fake.settings).toMatchObject({ "openai.enable": false, "openai.api_base_urls": [] });
  });

  it.each([
    [{ ADMIN_EMAIL: "" }, /ADMIN_EMAIL is not set/],
    [{ OPEN_WEBUI_URL: "open-webui:8080" }, /OPEN_WEBUI_URL is "open-webui:8080"/],
    [{ MCP_TOKEN_FILE: "/nowhere" }, /MCP_TOKEN_FILE: \/nowhere cannot be read: ENOENT/],
    [{ ADMIN_PASSWORD_FILE: "/dev/null" }, /ADMIN_PASSWORD_FILE: \/dev\/null is empty/],
  ])("exits with 1 and says why for %j", async (changes, message) => {
    const result = await run(changes as Record<string, string>);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });
});

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SetupSettings } from "../../setup/environment.ts";
import { reconcile } from "../../setup/reconcile.ts";
import { type Fake, fakeOpenWebui } from "./fake-open-webui.ts";

const email = "admin@example.org";
let fake: Fake;
let folder: string;

beforeEach(async () => {
  fake = await fakeOpenWebui(email, "password-1");
  folder = await mkdtemp(join(tmpdir(), "aihub-setup-"));
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

const settings = (changes: Partial<SetupSettings> = {}): SetupSettings => ({
  openWebuiUrl: fake.url,
  adminEmail: email,
  adminPassword: "password-1",
  publicUrl: "https://hub.example.org",
  mcpUrl: "http://mcp-server:8000/mcp",
  mcpToken: "the-token",
  stateDir: join(folder, "state"),
  chatKeyDir: join(folder, "chat-key"),
  chatServerTools: false,
  serverKeyDir: join(folder, "server-key"),
  toolsForMembers: false,
  ...changes,
});
const run = (changes: Partial<SetupSettings> = {}) =>
  reconcile(settings(changes), { readyMs: 200, toolsMs: 200 });
const state = (name: string) => readFile(join(folder, "state", name), "utf8");
type Connection = { url: string; info: { id: string }; config: object; key: string };
const connections = () => fake.settings["tool_server.connections"] as Connection[];

describe("a first run", () => {
  it("sets up all that the hub decides and lists the tools", async () => {
    const { changed, tools } = await run();
    expect(changed).toEqual([
      "setting webui.url",
      "setting ui.enable_community_sharing",
      "API key",
      "chat server's key for the hub's server",
      "tool server hub",
    ]);
    expect(tools).toEqual(["read_code"]);
    expect(fake.settings).toMatchObject({
      "webui.url": "https://hub.example.org",
      "task.title.enable": true,
    });
    expect(connections()).toMatchObject([
      {
        type: "mcp",
        url: "http://mcp-server:8000/mcp",
        auth_type: "bearer",
        key: "the-token",
        config: { enable: true, access_grants: [] },
        info: { id: "hub", name: "Workspace" },
        headers: { "X-OpenWebUI-Chat-Id": "{{CHAT_ID}}" },
      },
    ]);
  });

  it("remembers what it must, for its owner alone", async () => {
    await run();
    expect((await state("api-key")).trim()).toBe(fake.apiKey);
    expect((await state("admin-password")).trim()).toBe("password-1");
    const files = await readdir(join(folder, "state"));
    expect(files.sort()).toEqual(["admin-password", "api-key"]);
    for (const file of files)
      expect((await stat(join(folder, "state", file))).mode & 0o777, file).toBe(0o600);
  });

  it("takes the key that is there, since a new one would end it", async () => {
    fake.apiKey = "sk-somebody-uses-this";
    await run();
    expect(fake.apiKey).toBe("sk-somebody-uses-this");
    expect((await state("api-key")).trim()).toBe("sk-somebody-uses-this");
  });
});

describe("the MCP server's key to the chat server", () => {
  const handedOut = () => readFile(join(folder, "chat-key", "api-key"), "utf8");

  it("is handed out when the settings want it, readable by the folder's group, and taken back", async () => {
    await run();
    await expect(handedOut()).rejects.toThrow("ENOENT");
    expect((await run({ chatServerTools: true })).changed).toEqual([
      "chat server's key for the MCP server",
    ]);
    expect((await handedOut()).trim()).toBe(fake.apiKey);
    expect((await stat(join(folder, "chat-key", "api-key"))).mode & 0o777).toBe(0o640);
    expect((await run({ chatServerTools: true })).changed).toEqual([]);
    await run();
    await expect(handedOut()).rejects.toThrow("ENOENT");
  });
});

describe("a further run", () => {
  it("changes nothing, and does not even sign in", async () => {
    await run();
    fake.writes.length = 0;
    expect((await run()).changed).toEqual([]);
    expect(fake.writes).toEqual([]);
  });

  it("sets back what was clicked away, and nothing else", async () => {
    await run();
    Object.assign(fake.settings, { "ui.enable_signup": true, "task.title.enable": false });
    expect((await run()).changed).toEqual(["setting ui.enable_signup"]);
    expect(fake.settings).toMatchObject({ "ui.enable_signup": false, "task.title.enable": false });
  });

  it("leaves other tool servers alone and keeps one entry of its own", async () => {
    await run();
    const [own] = connections() as [Connection];
    const other = {
      type: "openapi",
      url: "http://other",
      info: { id: "hub" },
      config: {},
      key: "k",
    };
    fake.settings["tool_server.connections"] = [other, { ...own, config: { enable: false } }, own];
    expect((await run({ mcpToken: "another-token" })).changed).toEqual(["tool server hub"]);
    expect(connections()).toHaveLength(2);
    expect(connections()).toMatchObject([
      { url: "http://other", key: "k" },
      { key: "another-token", config: { enable: true, access_grants: [] } },
    ]);
    expect((await run({ mcpToken: "another-token" })).changed).toEqual([]);
  });

  it("makes a new key when its own is refused", async () => {
    await run();
    fake.apiKey = undefined;
    expect((await run()).changed).toEqual(["API key", "chat server's key for the hub's server"]);
    expect((await state("api-key")).trim()).toBe(fake.apiKey);
  });

  it("switches API keys on again", async () => {
    await run();
    fake.settings["auth.enable_api_keys"] = false;
    expect((await run()).changed).toEqual(["setting auth.enable_api_keys"]);
  });
});

describe("the administrator's password", () => {
  const password = () => fake.users[0]?.password;

  it("is rotated with the key", async () => {
    await run();
    expect((await run({ adminPassword: "password-2" })).changed).toEqual(["admin password"]);
    expect(password()).toBe("password-2");
    expect((await run({ adminPassword: "password-2" })).changed).toEqual([]);
  });

  it("is rotated from the one before when the key is gone", async () => {
    await run();
    fake.apiKey = undefined;
    expect((await run({ adminPassword: "password-2" })).changed).toEqual([
      "admin password",
      "API key",
      "chat server's key for the hub's server",
    ]);
    expect(password()).toBe("password-2");
  });

  it("is not taken for unapplied when the job died before it could note it", async () => {
    await run();
    fake.apiKey = undefined;
    (fake.users[0] as { password: string }).password = "password-2";
    expect((await run({ adminPassword: "password-2" })).changed).toEqual([
      "API key",
      "chat server's key for the hub's server",
    ]);
    expect((await state("admin-password")).trim()).toBe("password-2");
  });

  it("stays what people made it until the hub's own is changed", async () => {
    await run();
    (fake.users[0] as { password: string }).password = "chosen in the chat";
    expect((await run()).changed).toEqual([]);
    expect(password()).toBe("chosen in the chat");
    await run({ adminPassword: "password-2" });
    expect(password()).toBe("password-2");
  });

  it("that fits nowhere is said so, without showing it", async () => {
    const error = await run({ adminPassword: "wrong-password" }).catch((caught: Error) => caught);
    expect(String(error)).toMatch(/UserError: Nobody signs in .* as admin@example.org/);
    expect(String(error)).not.toContain("wrong-password");
  });
});

describe("an address that is not the administrator's", () => {
  it.each([true, false])("is said so (key at hand: %s)", async (keyAtHand) => {
    if (keyAtHand) await run();
    fake.users.push({
      id: "u2",
      email: "other@example.org",
      password: "password-1",
      role: "user",
      name: "O",
    });
    await expect(run({ adminEmail: "other@example.org" })).rejects.toThrow(/role is user/);
    await expect(run({ adminEmail: "nobody@example.org" })).rejects.toThrow(/nobody@example.org/);
  });
});

describe("what makes it fail", () => {
  it("Open WebUI that is not ready, with what it says", async () => {
    fake.ready = false;
    await expect(run()).rejects.toThrow(/not ready after 0 s: it answers 503/);
  });
  it("Open WebUI that is not there", async () => {
    await expect(run({ openWebuiUrl: "http://127.0.0.1:9" })).rejects.toThrow(
      /ECONNREFUSED|bad port/,
    );
  });
  it("sign-up that stays open", async () => {
    fake.instead["GET /api/config"] = { status: 200, json: { features: { enable_signup: true } } };
    await expect(run()).rejects.toThrow(/sign-up/);
    fake.instead["GET /api/config"] = {
      status: 200,
      json: { onboarding: true, features: { enable_signup: false } },
    };
    await expect(run()).rejects.toThrow(/sign-up/);
  });
  it("an MCP server without tools, or that refuses", async () => {
    fake.tools = [];
    await expect(run()).rejects.toThrow(/no tools from the MCP server/);
    fake.instead["GET /api/v1/tools/id/server:mcp:hub/specs"] = {
      status: 502,
      json: { detail: "Unable to load tools" },
    };
    await expect(run()).rejects.toThrow(/502, "Unable to load tools"/);
  });
  it("a path that this version does not know", async () => {
    fake.instead["GET /api/v1/configs/export"] = { status: 200, html: "<title>Open WebUI</title>" };
    await expect(run()).rejects.toThrow(/configs\/export with 200, which is no JSON/);
  });
  it("a second factor that the hub does not have", async () => {
    fake.instead["POST /api/v1/auths/signin"] = { status: 200, json: { mfa_required: true } };
    await expect(run()).rejects.toThrow(/second factor/);
  });
  it("a state folder that is none", async () => {
    await writeFile(join(folder, "state"), "");
    await expect(run()).rejects.toThrow(/ENOTDIR/);
  });
});

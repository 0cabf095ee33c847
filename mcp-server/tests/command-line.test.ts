/** What the server is told by its arguments and its environment. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Command, help, parseCommandLine } from "../src/command-line.ts";

const parse = (line: string, env: NodeJS.ProcessEnv = {}): Command =>
  parseCommandLine(line.split(" ").filter(Boolean), env);

describe("serve", () => {
  it("is what is done without a verb, on loopback, with a token that may do everything", () => {
    for (const verb of ["", "serve "]) {
      expect(parse(`${verb}--workspace /w --token secret`)).toEqual({
        verb: "serve",
        settings: {
          workspace: "/w",
          token: "secret",
          host: "127.0.0.1",
          port: 8000,
          allowedHosts: [],
        },
      });
    }
  });
  it("takes all of it from the environment, and options before that", () => {
    const folder = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
    writeFileSync(join(folder, "token"), "from-a-file\n");
    const env = {
      WORKSPACE: "/w",
      STATE: "/s",
      HOST: "0.0.0.0",
      PORT: "0",
      ALLOWED_HOSTS: "a, b:8000 ,",
      MCP_TOKEN_FILE: join(folder, "token"),
      MCP_TOKEN_NAME: "ops",
      MCP_TOKEN_SCOPES: "write,read",
      TOKENS_FILE: "/t",
      RATE_LIMIT: "0",
      METRICS_PORT: "9464",
      RESOURCE_METADATA: "https://hub.example.com/.well-known/oauth-protected-resource/mcp",
      HISTORY_DAYS: "7",
      HISTORY_BYTES: "1000",
      OPEN_WEBUI_URL: "http://chat",
      OPEN_WEBUI_API_KEY_FILE: "/key",
    };
    const settings = {
      workspace: "/w",
      state: "/s",
      host: "0.0.0.0",
      port: 0,
      allowedHosts: ["a", "b:8000"],
      token: "from-a-file",
      tokenName: "ops",
      tokenScopes: ["read", "write"],
      tokensFile: "/t",
      rateLimit: 0,
      metricsPort: 9464,
      resourceMetadata: "https://hub.example.com/.well-known/oauth-protected-resource/mcp",
      retention: { days: 7, bytes: 1000 },
      openWebui: { url: "http://chat", apiKeyFile: "/key" },
    };
    expect(parse("", env)).toEqual({ verb: "serve", settings });
    expect(parse("--port 81 --token other --rate-limit 5", env)).toEqual({
      verb: "serve",
      settings: { ...settings, port: 81, token: "other", rateLimit: 5 },
    });
  });
});

it("a token that is set but empty leaves it to the file", () => {
  const file = join(mkdtempSync(join(tmpdir(), "aihub-mcp-")), "token");
  writeFileSync(file, "from-a-file\n");
  const env = { WORKSPACE: "/w", MCP_TOKEN: "", MCP_TOKEN_FILE: file };
  expect(parse("", env)).toMatchObject({ settings: { token: "from-a-file" } });
});

it("what is set but empty is not set", () => {
  const env = { HOST: "", PORT: "", METRICS_PORT: "", WORKSPACE: "/w", MCP_TOKEN: "t" };
  expect(parse("", env)).toEqual({
    verb: "serve",
    settings: { workspace: "/w", host: "127.0.0.1", port: 8000, allowedHosts: [], token: "t" },
  });
});

it("a file for the chat server's key is no chat server", () => {
  const env = { OPEN_WEBUI_URL: "", OPEN_WEBUI_API_KEY_FILE: "/key" };
  expect(parse("stdio --workspace /w", env)).toEqual({
    verb: "stdio",
    settings: { workspace: "/w" },
  });
});

it("stdio may do everything unless told otherwise", () => {
  expect(parse("stdio --workspace /w")).toEqual({ verb: "stdio", settings: { workspace: "/w" } });
  expect(parse("stdio --workspace /w --scopes read")).toEqual({
    verb: "stdio",
    settings: { workspace: "/w", scopes: ["read"] },
  });
});

describe("token", () => {
  it("finds the file by the workspace, the state or its own name", () => {
    expect(parse("token list --workspace /w")).toMatchObject({ file: "/w/.aihub/tokens.json" });
    expect(parse("token list", { WORKSPACE: "/w", STATE: "/s" })).toMatchObject({
      file: "/s/tokens.json",
    });
    expect(parse("token revoke ci --tokens /t --state /s")).toEqual({
      verb: "token revoke",
      file: "/t",
      name: "ci",
    });
  });
  it("makes one that reads, writes and deletes in all projects until it is revoked", () => {
    expect(parse("token create ci --tokens /t")).toEqual({
      verb: "token create",
      file: "/t",
      json: false,
      token: { name: "ci", scopes: ["read", "write", "delete"], projects: "all" },
    });
    expect(
      parse("token create ci --tokens /t --scopes read --projects blog,api --expires 12h --json"),
    ).toMatchObject({
      json: true,
      token: { scopes: ["read"], projects: ["blog", "api"], lifetime: 43_200_000 },
    });
    const { token } = parse("token create ci --tokens /t --expires 2099-01-01") as {
      token: { lifetime: number };
    };
    expect(token.lifetime).toBeGreaterThan(1e12);
  });
});

it.each([
  ["", "No workspace given. Name the folder: --workspace DIR or WORKSPACE."],
  ["token list", "No workspace given. Name the folder: --workspace DIR or WORKSPACE."],
  ["--workspace /w --port http", '"http" is no port: give 0 to 65535.'],
  ["--workspace /w --metrics-port 70000", '"70000" is no port: give 0 to 65535.'],
  [
    "--workspace /w --resource-metadata hub.example.com",
    '"hub.example.com" is no address for --resource-metadata: give an http or https URL.',
  ],
  ["--workspace /w --rate-limit fast", '"fast" is no number for --rate-limit: give 0 or more.'],
  [
    "--workspace /w --token-scopes root",
    'There is no scope "root"; known: read, write, delete, self-modify.',
  ],
  ["--nope", "Unknown option '--nope'. aihub-mcp serve --help tells the options."],
  [
    "--workspace",
    "Option '--workspace <value>' argument missing. aihub-mcp serve --help tells the options.",
  ],
  [
    "--workspace /w extra",
    "Unexpected argument 'extra'. aihub-mcp serve --help tells the options.",
  ],
  ["fly", 'There is no verb "fly"; known: serve, stdio, token. --help tells more.'],
  ["token", undefined],
  ["token drop x", 'There is no verb "token drop"; known: create, list, revoke.'],
  ["token create --tokens /t", "Which token? aihub-mcp token create NAME"],
  ["token create a b --tokens /t", 'One token at a time: "b" is too much.'],
  ["token list a --tokens /t", 'token list takes no name, and got "a".'],
  [
    "token list --scopes read --tokens /t",
    "Unknown option '--scopes'. aihub-mcp token list --help tells the options.",
  ],
  [
    "token create a --tokens /t --projects a/b",
    '"a/b" is no project: give names of folders directly in the workspace.',
  ],
  [
    "token create a --tokens /t --expires never",
    '"never" is no time to come: give 45m, 12h, 30d, 8w or a date like 2030-12-31.',
  ],
  [
    "token create a --tokens /t --expires 2001-01-01",
    '"2001-01-01" is no time to come: give 45m, 12h, 30d, 8w or a date like 2030-12-31.',
  ],
  [
    "stdio --workspace /w --port 1",
    "Unknown option '--port'. aihub-mcp stdio --help tells the options.",
  ],
  [
    "--workspace /w --open-webui-key k",
    "There is an API key but no chat server: give --open-webui-url or OPEN_WEBUI_URL.",
  ],
])("%s: %s", (line, message) => {
  if (message === undefined) expect(parse(line)).toMatchObject({ verb: "help" });
  else expect(() => parse(line)).toThrow(message);
});

it("explains each verb, with every option it takes", () => {
  for (const verb of ["serve", "stdio", "token"] as const) {
    expect(parse(`${verb} --help`)).toEqual({ verb: "help", text: help[verb] });
  }
  expect(parse("--help")).toMatchObject({
    text: expect.stringMatching(/stdio[\s\S]*--allowed-hosts/),
  });
  for (const text of Object.values(help)) {
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(100);
  }
});

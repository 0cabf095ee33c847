/** Who comes in over HTTP, in which protocol, and how the server ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callOk, type Serving, serve, token } from "./serving.ts";

let serving: Serving;
beforeAll(async () => {
  serving = await serve(["mcp-server:8000", "hub.example.org"]);
});
afterAll(() => serving.stop());

const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });
const accept = "application/json, text/event-stream";

/** One plain request; node:http because fetch does not let the Host header be chosen. */
function post(
  headers: Record<string, string>,
  body = list,
  path = "/mcp",
  method = "POST",
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port: serving.server.port,
        path,
        method,
        headers: { "Content-Type": "application/json", Accept: accept, ...headers },
        agent: false,
      },
      async (incoming) => {
        let text = "";
        for await (const chunk of incoming) text += chunk;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(method === "GET" ? undefined : body);
  });
}
const authorized = { Authorization: `Bearer ${token}` };

describe("the token", () => {
  it.each([
    ["none", {}],
    ["another", { Authorization: "Bearer another-token-of-some-length-000" }],
    ["a part of it", { Authorization: `Bearer ${token.slice(0, -1)}` }],
    ["more than it", { Authorization: `Bearer ${token}x` }],
    ["an empty one", { Authorization: "Bearer " }],
    ["another scheme", { Authorization: `Basic ${token}` }],
    ["two of them", { Authorization: `Bearer ${token} ${token}` }],
  ])("%s is refused with 401", async (_which, headers) => {
    const answer = await post(headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
  });

  it("is asked for with every method and nothing is told before it", async () => {
    for (const method of ["GET", "DELETE", "PUT", "OPTIONS"]) {
      expect((await post({}, list, "/mcp", method)).status, method).toBe(401);
    }
  });

  it("lets in", async () => {
    const answer = await post(authorized);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain("read_file");
  });
});

describe("the host and origin", () => {
  it.each(["mcp-server:8000", "mcp-server", "hub.example.org", "localhost:1", "127.0.0.1"])(
    "called %s it answers",
    async (Host) => expect((await post({ ...authorized, Host })).status).toBe(200),
  );
  it.each(["evil.example", "evil.example:8000", "hub.example.org.evil.example"])(
    'called "%s" it refuses',
    async (Host) => expect([400, 403]).toContain((await post({ ...authorized, Host })).status),
  );
  it("refuses a page of another origin, whatever it carries", async () => {
    expect((await post({ ...authorized, Origin: "https://evil.example" })).status).toBe(403);
    expect((await post({ ...authorized, Origin: "null" })).status).toBe(403);
    expect((await post({ ...authorized, Origin: "https://hub.example.org" })).status).toBe(200);
  });
});

describe("what is sent", () => {
  it("refuses a body that is too large with 413", async () => {
    const answer = await post(authorized, `"${"x".repeat(17 * 1024 * 1024)}"`).catch(
      (error) => error,
    );
    // The connection may be cut while the rest is still being sent.
    if (!(answer instanceof Error)) expect(answer.status).toBe(413);
    else expect(answer.message).toMatch(/EPIPE|ECONNRESET|socket hang up/);
  });
  it("refuses what is not JSON", async () => {
    expect((await post(authorized, "{")).status).toBe(400);
    expect((await post({ ...authorized, "Content-Type": "text/plain" })).status).toBe(415);
  });
  it("has nothing beside its endpoint", async () => {
    expect((await post(authorized, list, "/")).status).toBe(404);
    expect((await post(authorized, list, "/mcp/../x")).status).toBe(404);
  });
  it("says that it is well without a token", async () => {
    const answer = await post({}, "", "/health", "GET");
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ status: "ok" });
  });
});

describe.each(["modern", "legacy"] as const)("a client of the %s protocol", (era) => {
  it("sees every tool with schemas and annotations", async () => {
    const { tools } = await (await serving.connect(era)).listTools();
    expect(tools.map((tool) => tool.name)).toEqual([
      "create_directory",
      "delete_file",
      "edit_file",
      "file_info",
      "list_directory",
      "move_file",
      "read_file",
      "search_files",
      "write_file",
    ]);
    for (const tool of tools) {
      expect(tool.inputSchema, tool.name).toMatchObject({
        type: "object",
        additionalProperties: false,
      });
      expect(tool.outputSchema, tool.name).toMatchObject({ type: "object" });
      expect(tool.annotations, tool.name).toHaveProperty("readOnlyHint");
    }
  });
  it("calls one", async () => {
    const client = await serving.connect(era);
    await callOk(client, "write_file", { path: `${era}.txt`, content: "hello" });
    expect((await callOk(client, "read_file", { path: `${era}.txt` })).text).toBe("hello");
  });
  it("is refused with a wrong token", async () => {
    await expect(serving.connect(era, "wrong-token-wrong-token")).rejects.toThrow();
  });
});

it("falls back for a client that asks first and then speaks the older protocol", async () => {
  const initialize = await post(
    authorized,
    JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "x", version: "1" },
      },
    }),
  );
  expect(initialize.status).toBe(200);
  expect(initialize.body).toContain('"protocolVersion":"2025-11-25"');
  expect((await post(authorized, list, "/mcp", "GET")).status).toBe(405);
});

describe("the process", () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aihub-mcp-bundle-"));
    file = join(folder, "server.mjs");
    await build({
      entryPoints: [new URL("../src/main.ts", import.meta.url).pathname],
      outfile: file,
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "error",
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
    });
    await writeFile(join(folder, "token"), `${token}\n`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (env: Record<string, string>, args: string[] = []) =>
    spawn(process.execPath, [file, ...args], {
      env,
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });

  it("runs as one file without anything installed, and ends a running call before it ends", async () => {
    const child = start({ WORKSPACE: folder, PORT: "0", MCP_TOKEN_FILE: join(folder, "token") });
    const [line] = (await once(createInterface(child.stderr), "line")) as [string];
    const port = Number(/:(\d+)\/mcp$/.exec(line)?.[1]);
    // Half a request is on its way when the signal comes.
    const outgoing = request({
      host: "127.0.0.1",
      port,
      path: "/mcp",
      method: "POST",
      headers: {
        ...authorized,
        "Content-Type": "application/json",
        Accept: accept,
        "Content-Length": list.length,
      },
      agent: false,
    });
    outgoing.write(list.slice(0, 5));
    await once(outgoing, "socket").then(([socket]) => socket.connecting && once(socket, "connect"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
    outgoing.end(list.slice(5));
    const [incoming] = await once(outgoing, "response");
    expect(incoming.statusCode).toBe(200);
    incoming.resume();
    const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
    expect(code).toBe(0);
  });

  it.each([
    ["no workspace", {}, [], /--workspace/],
    ["no token", { WORKSPACE: "." }, [], /MCP_TOKEN_FILE/],
    [
      "a workspace that is not there",
      { WORKSPACE: "/nowhere", MCP_TOKEN: token },
      [],
      /does not exist/,
    ],
    [
      "a short token that others may guess at",
      { WORKSPACE: ".", MCP_TOKEN: "short", HOST: "0.0.0.0" },
      [],
      /16 characters/,
    ],
    ["a port that is none", { WORKSPACE: ".", MCP_TOKEN: token, PORT: "http" }, [], /no port/],
    ["an unknown option", {}, ["--nope"], /--nope/],
  ])("with %s says what to do and exits with 1", async (_what, env, args, message) => {
    const child = start(env as Record<string, string>, args);
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    const [code] = await once(child, "close");
    expect(code).toBe(1);
    expect(said).toMatch(message);
    expect(said).not.toMatch(/\n\s+at /);
  });

  it("explains itself with --help", async () => {
    const child = start({}, ["--help"]);
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    await once(child, "close");
    expect(said).toMatch(/--workspace[\s\S]*--allowed-hosts/);
  });
});

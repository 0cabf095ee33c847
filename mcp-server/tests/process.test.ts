/** The server as a process: bundled into one file, on HTTP and on standard input and output. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../bundle.ts";
import { createToken } from "../src/access/tokens.ts";
import { modernCall, send } from "./fake-tools.ts";

let folder: string;
let file: string;
let workspace: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-mcp-"));
  file = join(folder, "server.mjs");
  workspace = join(folder, "workspace");
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  await writeFile(file, await bundle(path("../src/main.ts"), path("../..")));
  await mkdir(join(workspace, "blog"), { recursive: true });
  await writeFile(join(workspace, "blog", "a.txt"), "needle\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [file, ...args], {
    env,
    cwd: folder,
    stdio: ["pipe", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}
async function served(args: string[], env?: Record<string, string>) {
  const child = start(["--workspace", workspace, "--port", "0", ...args], env);
  const [line] = (await once(createInterface(child.stderr), "line")) as [string];
  const port = Number(/:(\d+)\/mcp/.exec(line)?.[1]);
  return { child, line, port };
}

const secret = "secret-of-this-test-0123456789";
const as = (bearer: string) => ({ Authorization: `Bearer ${bearer}` });

describe("on HTTP", () => {
  it("reads, searches in a worker thread, logs, counts, and ends cleanly", async () => {
    const { child, line, port } = await served(["--token", secret, "--metrics-port", "0"]);
    const read = { project: "blog", path: "a.txt" };
    const search = { project: "blog", query: "needle" };
    for (const [name, args] of [
      ["read_code", read],
      ["search_code", search],
    ] as const) {
      const { headers, body } = modernCall(name, args);
      const answer = await send(port, { headers: { ...headers, ...as(secret) }, body: body ?? "" });
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body).result.isError, answer.body).toBeUndefined();
      expect(answer.body).toContain("needle");
    }
    const page = new URL(/metrics at (\S+)/.exec(line)?.[1] ?? "");
    const asked = { path: "/metrics", method: "GET", headers: { Host: "evil.example" } };
    expect((await send(Number(page.port), asked)).status).toBe(403);
    const metrics = await fetch(page);
    expect(await metrics.text()).toContain('mcp_tool_calls_total{tool="read_code",outcome="ok"} 1');
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
    const log = await readFile(join(workspace, ".aihub", "audit", "audit.jsonl"), "utf8");
    expect(log).toContain(
      '"token":"hub","tool":"read_code","project":"blog","path":"a.txt","outcome":"ok"',
    );
  });

  it("takes a token from the moment it is made", async () => {
    const { port } = await served(["--token", secret]);
    const made = start(["token", "create", "ci", "--scopes", "read", "--workspace", workspace]);
    const [text] = (await once(made.stdout, "data")) as [Buffer];
    const [ci = ""] = text.toString().split("\n");
    const { headers, body } = modernCall("list_projects", {});
    const sent = { headers: { ...headers, ...as(ci) }, body: body ?? "" };
    expect((await send(port, sent)).status).toBe(200);
    await once(start(["token", "revoke", "ci", "--workspace", workspace]), "exit");
    expect((await send(port, sent)).status).toBe(401);
  });

  it("serves with named tokens alone", async () => {
    const tokens = join(folder, "only.json");
    const named = createToken(tokens, { name: "a", scopes: ["read"], projects: "all" });
    const { port } = await served(["--tokens", tokens]);
    const { headers, body } = modernCall("list_projects", {});
    const answer = await send(port, { headers: { ...headers, ...as(named) }, body: body ?? "" });
    expect(answer.status).toBe(200);
  });

  it.each([
    ["no workspace", [], {}, /--workspace/],
    ["no token", ["--workspace", ".", "--state", "none"], {}, /MCP_TOKEN_FILE.*token create/],
    [
      "a workspace that is not there",
      ["--workspace", "/nowhere"],
      { MCP_TOKEN: secret },
      /does not exist/,
    ],
    [
      "a token file that is not there",
      ["--workspace", "."],
      { MCP_TOKEN_FILE: "/nowhere" },
      /cannot be read/,
    ],
    [
      "a short token that others may guess at",
      ["--workspace", "."],
      { MCP_TOKEN: "short", HOST: "0.0.0.0" },
      /16 characters/,
    ],
    [
      "an address of another machine",
      ["--workspace", "workspace", "--host", "192.0.2.1"],
      { MCP_TOKEN: secret },
      /no address of this machine/,
    ],
    [
      "a password in the chat server's address",
      ["--workspace", "workspace"],
      {
        MCP_TOKEN: secret,
        OPEN_WEBUI_URL: "http://admin:hidden@chat",
        OPEN_WEBUI_API_KEY: "k",
      },
      /^(?!.*hidden).*holds a user or a password/,
    ],
    ["an unknown option", ["--nope"], {}, /--nope/],
  ])("with %s says what to do and exits with 1", async (_what, args, env, message) => {
    const child = start(args, env as unknown as Record<string, string>);
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    const [code] = await once(child, "close");
    expect(code).toBe(1);
    expect(said).toMatch(message);
    expect(said).not.toMatch(/\n\s+at /);
  });

  it("explains itself, also to a reader that goes away", async () => {
    const child = start(["--help"]);
    const [text] = (await once(child.stdout, "data")) as [Buffer];
    expect(text.toString()).toMatch(/--workspace[\s\S]*--allowed-hosts/);
    child.stdout.destroy();
    expect((await once(child, "exit"))[0]).toBe(0);
  });
});

describe("on standard input and output", () => {
  it.each(["modern", "legacy"] as const)("serves a client of the %s protocol", async (era) => {
    const client = new Client(
      { name: "tests", version: "1" },
      { versionNegotiation: { mode: era === "modern" ? { pin: "2026-07-28" } : "legacy" } },
    );
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [file, "stdio", "--workspace", workspace, "--scopes", "read"],
      }),
    );
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toContain("read_code");
    expect(names).not.toContain("write_code");
    const args = { project: "blog", path: "a.txt" };
    const result = await client.callTool({ name: "read_code", arguments: args });
    expect(JSON.stringify(result.content)).toContain("needle");
    await client.close();
  });
  const message = (id: number, method: string, params: object) =>
    `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
  const initialize = message(0, "initialize", {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "tests", version: "1" },
  });
  it("answers all that was asked before its input ended", async () => {
    const child = start(["stdio", "--workspace", workspace]);
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    const write = (id: number) =>
      message(id, "tools/call", {
        name: "write_code",
        arguments: { project: "blog", path: `piped-${id}`, content: "x" },
      });
    child.stdin.end(initialize + write(1) + write(2) + write(3));
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    for (const id of [1, 2, 3]) expect(said).toContain(`"id":${id}}`);
  });
  it("lets a running call end when it is told to stop", async () => {
    let asked: ServerResponse | undefined;
    const chat = createServer((_request, response) => {
      asked = response;
    });
    await new Promise<void>((resolve) => chat.listen(0, "127.0.0.1", resolve));
    const { port } = chat.address() as AddressInfo;
    const key = ["--open-webui-url", `http://127.0.0.1:${port}`, "--open-webui-key", "k"];
    const child = start(["stdio", "--workspace", workspace, ...key]);
    let [said, complained] = ["", ""];
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    child.stderr.on("data", (chunk) => {
      complained += chunk;
    });
    const closed = once(child, "close");
    const call = message(1, "tools/call", { name: "list_models", arguments: {} });
    child.stdin.write(initialize + call);
    await expect.poll(() => asked).toBeDefined();
    child.kill("SIGTERM");
    await expect.poll(() => complained).toContain("letting running calls end");
    // Long enough for a process that waits for nothing to be gone.
    await new Promise((resolve) => setTimeout(resolve, 300));
    asked?.setHeader("Content-Type", "application/json").end(JSON.stringify({ data: [] }));
    expect(await closed).toEqual([0, null]);
    expect(said).toContain('"id":1}');
    chat.close();
  });
  it("tells a client of 2025 about the files it subscribed to, and no others", async () => {
    const child = start(["stdio", "--workspace", workspace]);
    const lines = createInterface(child.stdout);
    const said: string[] = [];
    lines.on("line", (line) => said.push(line));
    const write = (id: number, path: string) =>
      message(id, "tools/call", {
        name: "write_code",
        arguments: { project: "blog", path, content: String(id) },
      });
    const uri = "workspace://blog/watched.txt";
    child.stdin.write(initialize + message(1, "resources/subscribe", { uri }));
    child.stdin.write(write(2, "unwatched.txt") + write(3, "watched.txt"));
    await expect.poll(() => said.some((line) => line.includes("resources/updated"))).toBe(true);
    const told = said.filter((line) => line.includes("resources/updated"));
    expect(told.every((line) => line.includes(uri))).toBe(true);
    child.stdin.end();
    await once(child, "close");
  });
  it("ends cleanly when a line is larger than any request may be", async () => {
    const child = start(["stdio", "--workspace", workspace]);
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    child.stdin.on("error", () => {});
    child.stdin.write(initialize);
    child.stdin.write("x".repeat(17 * 1024 * 1024));
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(said).toMatch(/buffer|size/i);
    expect(said).not.toMatch(/unsettled|\n\s+at /);
  });
  it("ends with its client", async () => {
    const child = start(["stdio", "--workspace", workspace]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.stdin.end();
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });
});

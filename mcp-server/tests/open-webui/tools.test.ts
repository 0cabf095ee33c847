import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as bodyOf } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { scopes } from "../../src/access/caller.ts";
import { OpenWebui } from "../../src/open-webui/open-webui.ts";
import { openWebuiTools } from "../../src/open-webui/tools/index.ts";
import { callTool } from "../../src/protocol/call-tool.ts";
import { listTools } from "../../src/protocol/tool-list.ts";
import { fakeDeps } from "../fake-tools.ts";

const KEY = "sk-of-the-tests";

/** The chat server's answers as version 0.12.4 gives them; a scenario of the rehearsal asks the real one. */
const answers: Record<string, unknown> = {
  "GET /health": { status: true },
  "GET /ready": { status: true },
  "GET /api/version": { version: "0.12.4" },
  "GET /api/models": { data: [{ id: "m1", name: "Model One" }, { id: "m2" }] },
  "GET /api/v1/chats/?page=1": [{ id: "c1", title: "Hello", updated_at: 1_700_000_000 }],
  "GET /api/v1/functions/": [{ id: "f", name: "F", type: "pipe", is_active: false }],
  "GET /api/v1/tools/": [{ id: "server:mcp:hub", name: "Hub" }],
  "POST /api/v1/chats/new": { id: "c2" },
  "POST /api/v1/functions/create": { id: "hello", type: "pipe", is_active: false },
  "POST /api/v1/functions/id/hello/toggle": { id: "hello", is_active: true },
  "POST /api/v1/tools/create": { id: "adder" },
};

let server: Server;
let url: string;
let asked: { route: string; body: unknown }[];
let special: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;

beforeEach(async () => {
  asked = [];
  special = undefined;
  server = createServer(async (request, response) => {
    if (special?.(request, response)) return;
    const route = `${request.method} ${request.url}`;
    const body = await bodyOf(request);
    asked.push({ route, body: body === "" ? undefined : JSON.parse(body) });
    const open = request.url === "/health" || request.url === "/ready";
    if (!open && request.headers.authorization !== `Bearer ${KEY}`) {
      response.writeHead(401).end('{"detail":"401 Unauthorized"}');
    } else if (route in answers) {
      response.end(JSON.stringify(answers[route]));
    } else response.end("<!doctype html>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function run(
  name: string,
  args: object = {},
  openWebui = new OpenWebui({ url, apiKey: KEY }),
) {
  const tool = openWebuiTools.find((one) => one.name === name);
  if (!tool) throw new Error(name);
  const context = { openWebui, signal: new AbortController().signal } as never;
  const answer = await tool.run(context, tool.input.parse(args));
  const [block] = answer.content ?? [{ type: "text", text: JSON.stringify(answer.structured) }];
  return block?.type === "text" ? block.text : "";
}

describe("tools of Open WebUI", () => {
  test("look at the chat server", async () => {
    expect(JSON.parse(await run("get_health"))).toEqual({
      running: true,
      ready: true,
      version: "0.12.4",
    });
    expect(await run("list_models")).toBe("m1  Model One\nm2");
    expect(await run("list_chats")).toBe("c1  2023-11-14T22:13:20.000Z  Hello");
    expect(await run("list_functions")).toBe("f  pipe  off  F");
    expect(await run("list_tools")).toBe("server:mcp:hub  Hub");
  });

  test("create chats, functions and tools", async () => {
    await run("create_chat", { title: "T", model: "m1", message: "hi" });
    await run("create_function", { id: "hello", name: "Hello", code: "class Pipe: pass" });
    await run("toggle_function", { id: "hello" });
    await run("create_tool", { id: "adder", name: "Adder", code: "class Tools: pass" });
    expect(asked.map(({ route }) => route)).toEqual([
      "POST /api/v1/chats/new",
      "POST /api/v1/functions/create",
      "POST /api/v1/functions/id/hello/toggle",
      "POST /api/v1/tools/create",
    ]);
    expect(asked[0]?.body).toMatchObject({
      chat: { title: "T", models: ["m1"], messages: [{ role: "user", content: "hi" }] },
    });
    expect(asked[1]?.body).toMatchObject({ id: "hello", content: "class Pipe: pass" });
    expect(asked[3]?.body).toMatchObject({ id: "adder", access_grants: [] });
  });

  test.each(["../../users", "Hello", "1a", "a-b", "a/b", ""])("%j is no id", async (id) => {
    await expect(run("toggle_function", { id })).rejects.toThrow(/is no id/);
    expect(asked).toEqual([]);
  });

  test("only what creates code needs the scope for it", () => {
    const scopes = Object.fromEntries(openWebuiTools.map(({ name, scope }) => [name, scope]));
    expect(scopes).toEqual({
      get_health: "read",
      list_models: "read",
      list_chats: "read",
      create_chat: "write",
      list_functions: "read",
      create_function: "self-modify",
      toggle_function: "self-modify",
      list_tools: "read",
      create_tool: "self-modify",
    });
  });

  test("are hidden from a token for single projects, and refused to it", async () => {
    const allowed = scopes.filter((scope) => scope !== "delete");
    const limited = { token: "limited", scopes: new Set(allowed), projects: ["blog"] };
    expect(listTools(openWebuiTools, limited)).toEqual([]);
    expect(listTools(openWebuiTools, { ...limited, projects: "all" })).toHaveLength(9);
    const deps = { ...fakeDeps(openWebuiTools), openWebui: new OpenWebui({ url, apiKey: KEY }) };
    const { signal } = new AbortController();
    for (const { name } of openWebuiTools) {
      const { isError, content } = await callTool(deps, name, {}, { caller: limited, signal });
      expect(isError).toBe(true);
      expect(JSON.stringify(content)).toContain("needs a token for all projects");
      expect(deps.audit.entries.at(-1)).toMatchObject({ tool: name, outcome: "denied" });
    }
    expect(asked).toEqual([]);
    const everywhere = { ...limited, projects: "all" } as const;
    const listed = await callTool(deps, "list_chats", {}, { caller: everywhere, signal });
    expect(listed.isError).toBeUndefined();
  });

  test("say what is wrong, and never the key", async () => {
    const wrong = new OpenWebui({ url, apiKey: "sk-wrong" });
    await expect(run("list_models", {}, wrong)).rejects.toThrow(
      /refuses the hub's key: 401 Unauthorized/,
    );
    const away = new OpenWebui({ url: "http://127.0.0.1:65001", apiKey: KEY });
    await expect(run("list_models", {}, away)).rejects.toThrow(/does not answer at .*ECONNREFUSED/);
    expect(await run("get_health", {}, away)).toBe('{"running":false,"ready":false}');
    special = (_request, response) => {
      response.end("<!doctype html>");
      return true;
    };
    await expect(run("list_models")).rejects.toThrow(/something else than expected/);
    special = (_request, response) => {
      response.writeHead(400).end(JSON.stringify({ detail: "already\nregistered" }));
      return true;
    };
    await expect(run("create_tool", { id: "a", name: "A", code: "x" })).rejects.toThrow(
      "Open WebUI refused: already registered",
    );
    special = (_request, response) => {
      response.writeHead(302, { Location: "http://127.0.0.1:65001/" }).end();
      return true;
    };
    await expect(run("list_models")).rejects.toThrow(/does not answer/);
  });

  test("show no key that cannot be one, and no password", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aihub-key-"));
    const apiKeyFile = join(folder, "key");
    const chat = new OpenWebui({ url, apiKeyFile });
    for (const key of ["sk-SECRET\nsk-SECOND", "sk-SECRET\u0431", "sk-SECRET x", "sk-SECRET\0"]) {
      writeFileSync(apiKeyFile, key);
      const said = await run("list_models", {}, chat).catch((error) => error.message);
      expect(said).toMatch(/no usable key/);
      expect(said).not.toMatch(/SECRET|SECOND/);
      expect(() => new OpenWebui({ url, apiKey: key })).toThrow(/^((?!SECRET).)*no usable key/);
    }
    expect(asked).toEqual([]);
    for (const wrong of ["http://ada:SECRET@chat", "http://SECRET@chat", "ftp://chat", "SECRET"])
      expect(() => new OpenWebui({ url: wrong, apiKey: KEY })).toThrow(/^The URL((?!SECRET).)*$/);
    rmSync(folder, { recursive: true });
  });

  test("read an answer only up to 8 MiB", async () => {
    const most = 8 * 1024 * 1024;
    const list = JSON.stringify({ data: [{ id: "m" }] });
    let length = most;
    special = (_request, response) => {
      response.end(list.padEnd(length));
      return true;
    };
    expect(await run("list_models")).toBe("m");
    length++;
    await expect(run("list_models")).rejects.toThrow(/more than 8388608 bytes/);
  });

  test("list a chat whose time is none", async () => {
    special = (_request, response) => {
      response.end('[{"id":"c1","title":"Hello","updated_at":1e14}]');
      return true;
    };
    expect(await run("list_chats")).toBe("c1    Hello");
  });

  test("take the key from a file that may come later", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aihub-key-"));
    const apiKeyFile = join(folder, "key");
    const chat = new OpenWebui({ url: `${url}/`, apiKeyFile });
    await expect(run("list_models", {}, chat)).rejects.toThrow(/no key .* yet/);
    writeFileSync(apiKeyFile, `${KEY}\n`);
    expect(await run("list_models", {}, chat)).toContain("m1");
    rmSync(folder, { recursive: true });
  });
});

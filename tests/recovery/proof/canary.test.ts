/** Through the real MCP server, and a chat API that answers as Open WebUI 0.12.4 does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as bodyOf } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../../../hub/user-error.ts";
import { type RunningServer, startServer } from "../../../mcp-server/src/http/server.ts";
import { type CanaryPlaces, writeCanary } from "../../../recovery/proof/canary.ts";

const KEY = "sk-of-the-tests";
const TOKEN = "token-of-the-tests";

interface Chat {
  id: string;
  title: string;
  chat: Record<string, unknown>;
}

let folder: string;
let mcp: RunningServer;
let chatServer: Server;
let places: CanaryPlaces;
let chats: Chat[];
let writes: { path: string; chat: Record<string, unknown> }[];
/** An answer instead of the usual one. */
let instead: { status: number; type: string; text: string } | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aihub-canary-"));
  mcp = await startServer({ workspace: folder, host: "127.0.0.1", port: 0, token: TOKEN });
  [chats, writes, instead] = [[], [], undefined];
  chatServer = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    if (instead) {
      response.writeHead(instead.status, { "Content-Type": instead.type }).end(instead.text);
      return;
    }
    if (request.headers.authorization !== `Bearer ${KEY}`) {
      answer(401, { detail: "401 Unauthorized" });
      return;
    }
    const url = new URL(request.url ?? "", "http://chat");
    if (request.method === "GET" && url.pathname === "/api/v1/chats/search") {
      const words = (url.searchParams.get("text") ?? "").toLowerCase();
      const hits = chats.filter(({ title }) => title.toLowerCase().includes(words));
      answer(
        200,
        hits.map(({ id, title }) => ({ id, title, updated_at: 1, created_at: 1 })),
      );
      return;
    }
    const { chat } = JSON.parse(body) as Pick<Chat, "chat">;
    writes.push({ path: url.pathname, chat });
    const id = url.pathname.split("/").at(-1);
    let one = chats.find((other) => other.id === id);
    if (id === "new") {
      one = { id: `c${chats.length}`, title: "", chat: {} };
      chats.push(one);
    }
    if (one) {
      one.chat = { ...one.chat, ...chat };
      one.title = String(one.chat.title ?? "New Chat");
    }
    answer(200, one ?? null);
  });
  await new Promise<void>((resolve) => chatServer.listen(0, "127.0.0.1", resolve));
  const keyFile = join(folder, ".key");
  writeFileSync(keyFile, `${KEY}\n`);
  places = {
    openWebuiUrl: `http://127.0.0.1:${(chatServer.address() as AddressInfo).port}`,
    openWebuiKeyFile: keyFile,
    mcpUrl: mcp.url,
    mcpToken: TOKEN,
  };
});
afterEach(async () => {
  chatServer.closeAllConnections();
  chatServer.close();
  await mcp.close(0);
  rmSync(folder, { recursive: true });
});

const file = () => readFileSync(join(folder, "hub-canary/canary.txt"), "utf8");

describe("the canary", () => {
  it("is one token in a chat and in a file", async () => {
    const canary = await writeCanary(places, new Date("2026-11-25T02:00:00Z"));
    expect(canary.token).toMatch(/^canary-2026-11-25-[0-9a-f]{32}$/);
    expect(canary.time).toBe("2026-11-25T02:00:00.000Z");
    expect(file().startsWith(`${canary.token}\n`)).toBe(true);
    expect(chats).toMatchObject([{ title: "Hub canary", chat: { canary } }]);
    // It is a chat that the page can show.
    expect(chats[0]?.chat).toMatchObject({
      messages: [{ role: "user" }],
      history: { currentId: expect.any(String) },
    });
  });

  it("is written over the one before, beside chats that are called alike", async () => {
    chats.push({ id: "other", title: "About the hub canary", chat: {} });
    const first = await writeCanary(places);
    const second = await writeCanary(places);
    expect(second.token).not.toBe(first.token);
    expect(file()).toContain(second.token);
    expect(chats.map(({ title }) => title)).toEqual(["About the hub canary", "Hub canary"]);
    expect(chats[1]?.chat).toMatchObject({ canary: second, messages: [{}] });
    // An update with messages would bring it to the top of somebody's list.
    expect(Object.keys(writes[1]?.chat ?? {})).toEqual(["title", "canary"]);
  });

  it("comes back when somebody deleted it", async () => {
    await writeCanary(places);
    chats.length = 0;
    rmSync(join(folder, "hub-canary"), { recursive: true });
    const again = await writeCanary(places);
    expect(file()).toContain(again.token);
    expect(chats).toMatchObject([{ chat: { canary: again } }]);
  });

  it("calls the MCP server by the name that it goes by", async () => {
    const far = await startServer({
      workspace: folder,
      host: "127.0.0.2",
      port: 0,
      token: TOKEN,
      allowedHosts: ["mcp-server"],
    });
    try {
      const mcpUrl = far.url.replace("127.0.0.2", "127.2");
      await expect(writeCanary({ ...places, mcpUrl, mcpHost: "another:8000" })).rejects.toThrow(
        /MCP server at .* answered write_code with 403/,
      );
      const canary = await writeCanary({ ...places, mcpUrl, mcpHost: "mcp-server:8000" });
      expect(file()).toContain(canary.token);
    } finally {
      await far.close(0);
    }
  });
});

describe("a canary that cannot be written", () => {
  async function failure(change: Partial<CanaryPlaces> = {}): Promise<string> {
    const error = await writeCanary({ ...places, ...change }).catch((caught: Error) => caught);
    expect(error).toBeInstanceOf(UserError);
    const { message } = error as Error;
    expect(message).not.toMatch(/sk-|token-of/);
    return message;
  }

  it("says which server is away", async () => {
    const nobody = "http://127.0.0.1:65001";
    expect(await failure({ openWebuiUrl: nobody })).toMatch(/Open WebUI at .* ECONNREFUSED/);
    expect(await failure({ mcpUrl: `${nobody}/mcp` })).toMatch(/MCP server at .* ECONNREFUSED/);
  });

  it("says who does not let in, and never by which key", async () => {
    writeFileSync(places.openWebuiKeyFile, "sk-wrong");
    expect(await failure()).toMatch(/Open WebUI answered .* 401, "401 Unauthorized"/);
    writeFileSync(places.openWebuiKeyFile, KEY);
    expect(await failure({ mcpToken: "token-of-others" })).toMatch(/MCP server .* with 401/);
  });

  it("says that there is no key yet, or none that can be one", async () => {
    expect(await failure({ openWebuiKeyFile: "/nowhere/key" })).toMatch(
      /\/nowhere\/key holds no key/,
    );
    writeFileSync(places.openWebuiKeyFile, "sk-a\nsk-b");
    expect(await failure()).toMatch(/holds no key/);
  });

  it("says that the chat's API is another", async () => {
    instead = { status: 200, type: "text/html", text: "<!doctype html>" };
    expect(await failure()).toMatch(/does not know the path/);
    instead = { status: 200, type: "application/json", text: '{"chats":[]}' };
    expect(await failure()).toMatch(/did not answer GET .* with chats.*another API/);
    instead = { status: 200, type: "application/json", text: "[]" };
    expect(await failure()).toMatch(/did not keep its token/);
    expect(chats).toEqual([]);
  });

  it("says what the tool said", async () => {
    writeFileSync(join(folder, "hub-canary"), "a file in the way");
    expect(await failure()).toMatch(/canary file cannot be written: .*hub-canary/);
  });
});

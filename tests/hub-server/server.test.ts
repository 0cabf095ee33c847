/** The hub's server on its socket, asked as nginx asks it. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { request } from "node:http";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { healthAt, ownSocket } from "../../hub-server/door-socket.ts";
import { readEnvironment, readGateEnvironment } from "../../hub-server/environment.ts";
import { type RunningHubServer, startGate, startHubServer } from "../../hub-server/server.ts";
import { createToken } from "../../mcp-server/src/access/tokens.ts";
import { type FakeChat, fakeChat } from "./gate/chat.ts";

let folder: string;
let chat: FakeChat;
let server: RunningHubServer;
const env = () => ({
  SOCKET: join(folder, "hub.sock"),
  CHAT_URL: chat.url,
  PUBLIC_URL: "https://hub.example.com",
  TOKENS_FILE: join(folder, "tokens.json"),
  CHAT_KEY_FILE: join(folder, "key"),
  STATE: join(folder, "state"),
  STATUS_DIR: join(folder, "status"),
  AUDIT_DIR: join(folder, "audit"),
  FRONT_DOOR: "127.0.0.1:9",
  SESSION_MS: "0",
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-hub-server-"));
  chat = await fakeChat();
  chat.sessions.admin = { id: "1", email: "ä@example.com", name: "Ä B", role: "admin" };
  server = await startHubServer(readEnvironment(env()));
  await untilWell();
});
afterAll(async () => {
  await server.close();
  await chat.close();
  await rm(folder, { recursive: true, force: true });
});

function ask(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
    request({ socketPath: join(folder, "hub.sock"), path, headers, agent: false }, (response) => {
      response.resume();
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers }),
      );
    })
      .on("error", reject)
      .end();
  });
}
const health = async () => (await ask("/health")).status;
const untilWell = () =>
  vi.waitFor(async () => expect(await health()).toBe(200), { timeout: 60_000 });
const question = {
  "X-Gate-Door": "files",
  "X-Gate-Method": "GET",
  "X-Gate-Uri": "/files/",
  "X-Real-IP": "203.0.113.9",
};

describe("the hub's server", () => {
  it("names the person in headers that hold any name", async () => {
    const { status, headers } = await ask("/gate", { ...question, Cookie: "token=admin" });
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      "x-hub-id": "1",
      "x-hub-user": "%C3%A4%40example.com",
      "x-hub-name": "%C3%84%20B",
      "x-hub-role": "admin",
    });
  });

  it("tells nginx what to do with the others", async () => {
    const page = await ask("/gate", { ...question, Accept: "text/html" });
    expect(page.status).toBe(401);
    expect(page.headers["x-gate-location"]).toBe("/auth?redirect=%2Ffiles%2F");
    expect(page.headers["www-authenticate"]).toBeUndefined();
    const program = await ask("/gate", question);
    expect(program.status).toBe(401);
    expect(program.headers["www-authenticate"]).toMatch(/^Basic /);
    expect(program.headers["x-gate-location"]).toBeUndefined();
    expect((await ask("/gate")).status).toBe(503);
  });

  it("lets a token in by basic authentication", async () => {
    const secret = createToken(env().TOKENS_FILE, {
      name: "laptop",
      scopes: ["read"],
      projects: "all",
    });
    const Authorization = `Basic ${Buffer.from(`me:${secret}`).toString("base64")}`;
    expect((await ask("/gate", { ...question, Authorization })).status).toBe(204);
    const put = { ...question, Authorization, "X-Gate-Method": "PUT" };
    expect((await ask("/gate", put)).status).toBe(403);
  });

  it.each([
    "/gate/",
    "/gate/../hub/",
    "/gates",
    "//gate",
    "/hub/../gate",
    "/hub/%2e%2e/gate",
    "/hub/..%2fgate",
    "/hub\\..\\gate",
    "/",
  ])("knows nothing at %s", async (path) => {
    expect((await ask(path, { ...question, Cookie: "token=admin" })).status).toBe(404);
  });

  it("listens where only those reach it who may enter its folder", async () => {
    expect((await stat(env().SOCKET)).isSocket()).toBe(true);
  });

  it("takes the place of one that was killed", async () => {
    await server.close();
    server = await startHubServer(readEnvironment(env()));
    await untilWell();
  });

  it("is taken over from when the next one is well, and leaves its place alone when it ends", async () => {
    const before = server;
    chat.instead = (_request, response) => response.writeHead(200).end("<title>");
    const next = await startHubServer(readEnvironment({ ...env(), INSTANCE: "next" }));
    const own = (name: string) => healthAt(ownSocket(env().SOCKET, name));
    // One that lets nobody pass yet stays in the background.
    expect((await own("next")).well).toBe(false);
    expect(await readlink(env().SOCKET)).toBe(`hub.sock.${hostname()}`);
    chat.instead = undefined;
    await expect.poll(() => readlink(env().SOCKET)).toBe("hub.sock.next");
    await before.close();
    expect(await health()).toBe(200);
    expect((await readdir(folder)).filter((name) => name.startsWith("hub.sock"))).toEqual([
      "hub.sock",
      "hub.sock.next",
    ]);
    server = next;
  });

  it("takes over at once from one that was killed, and removes what that one left", async () => {
    await server.close();
    const killed = ownSocket(env().SOCKET, "killed");
    // A socket whose process has gone.
    await promisify(execFile)(process.execPath, [
      "-e",
      "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))",
      killed,
    ]).catch(() => {});
    expect((await stat(killed)).isSocket()).toBe(true);
    await symlink("hub.sock.killed", `${env().SOCKET}.new`);
    await rename(`${env().SOCKET}.new`, env().SOCKET);
    server = await startHubServer(readEnvironment(env()));
    expect(await readlink(env().SOCKET)).toBe(`hub.sock.${hostname()}`);
    expect(await readdir(folder)).not.toContain("hub.sock.killed");
    await untilWell();
  });

  it("can be its gate alone", async () => {
    await server.close();
    const { SOCKET, CHAT_URL, PUBLIC_URL, TOKENS_FILE } = env();
    server = await startGate(readGateEnvironment({ SOCKET, CHAT_URL, PUBLIC_URL, TOKENS_FILE }));
    await untilWell();
    expect((await ask("/gate", { ...question, Cookie: "token=admin" })).status).toBe(204);
    expect((await ask("/hub/", { "X-Hub-Id": "1" })).status).toBe(404);
  });

  it("is not well while strangers are let in", async () => {
    chat.instead = (_request, response) => response.writeHead(200).end("<title>");
    await server.close();
    server = await startHubServer(readEnvironment(env()));
    await expect.poll(() => chat.asked.length).toBeGreaterThan(0);
    expect((await ask("/health")).status).toBe(503);
    expect((await ask("/gate", { ...question, Cookie: "token=admin" })).status).toBe(503);
    chat.instead = undefined;
    await untilWell();
  });
});

describe("its environment", () => {
  it.each([
    ["SOCKET", undefined, /SOCKET is not set/],
    ["PUBLIC_URL", undefined, /PUBLIC_URL is not set/],
    ["PUBLIC_URL", "nonsense", /Invalid URL/],
    ["ACCESS", "files=everybody", /names no door/],
    ["ACCESS", "kitchen=members", /names no door/],
    ["SESSION_MS", "soon", /no number/],
    ["FRONT_DOOR", "nginx", /no host and port/],
    ["STATE", undefined, /STATE is not set/],
  ])("%s=%s is refused", (name, value, message) => {
    expect(() => readEnvironment({ ...env(), [name]: value })).toThrow(message);
  });
  it("has defaults for what it does not say", () => {
    expect(
      readEnvironment({ ...env(), ACCESS: "code=members", READERS: " A@b.c ,*" }),
    ).toMatchObject({
      access: { files: "members", code: "members", home: "members", tools: "admins" },
      readers: new Set(["a@b.c", "*"]),
      sessionMs: 0,
    });
  });
});

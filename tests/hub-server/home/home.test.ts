import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Access, defaultAccess } from "../../../hub/access.ts";
import { homeSection } from "../../../hub-server/home/home.ts";
import type { Section } from "../../../hub-server/section.ts";
import { hubStatusOf } from "../../../hub-server/status/hub-status.ts";
import { createToken, readTokens, TokenStore } from "../../../mcp-server/src/access/tokens.ts";
import { reportOf } from "../report.ts";

const publicUrl = "https://hub.example";
let folder: string;
let section: Section;
let server: Server;
let port: number;
let version = "0123456789abcdef";

const person = (id: string, role: string) => ({
  "X-Hub-Id": id,
  "X-Hub-User": encodeURIComponent(`${id}@exämple.com`),
  "X-Hub-Name": encodeURIComponent(`Łucja ${id}`),
  "X-Hub-Role": role,
});
const ada = person("ada", "admin");
const mia = person("mia", "member");
const max = person("max", "member");
const rea = person("rea", "reader");
const acting = { "X-Hub-Action": "1", "Content-Type": "application/json" };
const tokensFile = () => join(folder, "tokens.json");
const auditFile = () => join(folder, "audit", "audit.jsonl");

async function serve(access: Access = defaultAccess): Promise<void> {
  section = homeSection({
    access,
    publicUrl,
    tokensFile: tokensFile(),
    auditFolder: join(folder, "audit"),
    status: {
      read: async () =>
        hubStatusOf({
          now: Date.now(),
          report: reportOf({ release: version }),
          releases: [
            { time: "2026-05-01T00:00:00Z", digest: "d", outcome: "taken", reason: "", from: "" },
          ],
          backup: { lastBackup: null, lastProof: null, lastDrill: null, alarms: [] },
          certificate: null,
          keeping: undefined,
        }),
    },
    // Long enough for a change, for a sign of life and for many pages to come in, on a machine that is at work.
    times: { look: 20, heartbeat: 50, life: 3_000 },
  });
  server = createServer((request, response) => {
    void (async () => section.handle(request, response))().catch(() => {
      response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
}

async function stop(): Promise<void> {
  section.drain?.();
  await new Promise((resolve) => server.close(resolve));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-home-"));
  await serve();
});
afterAll(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await rm(tokensFile(), { force: true });
  await rm(join(folder, "audit"), { recursive: true, force: true });
});

async function ask(
  who: Record<string, string>,
  path: string,
  options: {
    method?: string;
    headers?: Record<string, string>;
    body?: string;
    /** Gets all that has come so far. */
    heard?(text: string): void;
  } = {},
): Promise<{
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers, which the test says.
  json: any;
}> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        method: options.method ?? "GET",
        headers: { ...who, ...options.headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          options.heard?.(text);
        });
        response.on("end", () => {
          const isJson = response.headers["content-type"]?.startsWith("application/json");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: isJson && text !== "" ? JSON.parse(text) : undefined,
          });
        });
        response.on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end(options.body);
  });
}

const make = (
  who: Record<string, string>,
  body: unknown,
  headers: Record<string, string> = acting,
) =>
  ask(who, "/hub/api/tokens", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const revoke = (who: Record<string, string>, name: string, headers = acting) =>
  ask(who, `/hub/api/tokens/${name}`, { method: "DELETE", headers });

describe("the home page", () => {
  it.each([
    ["/hub/", "text/html"],
    ["/hub/?x=1", "text/html"],
    ["/hub/app.css", "text/css"],
    ["/hub/app.js", "text/javascript"],
  ])("%s comes as %s with a strict policy", async (path, type) => {
    const answer = await ask(mia, path);
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe(`${type}; charset=utf-8`);
    const policy = String(answer.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect((await ask(mia, path, { method: "HEAD" })).text).toBe("");
  });

  it("holds nothing inline, which the policy would not run", async () => {
    const { text } = await ask(mia, "/hub/");
    expect(text).not.toMatch(/<style|style=|<script(?![^>]*src=)| on\w+=/);
    expect((await ask(mia, "/hub/app.js")).text).not.toMatch(/innerHTML|insertAdjacentHTML|eval\(/);
  });

  it.each([
    {},
    { "X-Hub-Role": "admin" },
    { ...ada, "X-Hub-Role": "root" },
    { ...ada, "X-Hub-Id": "" },
    { ...ada, "X-Hub-User": "%E0%A4%A" },
  ])("is nobody's without a person: %o", async (who) => {
    for (const path of ["/hub/", "/hub/app.js", "/hub/api/status", "/hub/api/tokens", "/hub/x"])
      expect((await ask(who as Record<string, string>, path)).status, path).toBe(403);
  });

  it.each([
    ["GET", "/hub/nothing", 404],
    ["GET", "/hub/constructor", 404],
    ["GET", "/hub/api/", 404],
    ["POST", "/hub/", 405],
    ["PUT", "/hub/api/tokens", 405],
    ["GET", "/hub/api/tokens/x", 405],
    ["constructor", "/hub/api/tokens", 400],
    ["DELETE", "/hub/api/tokens/%E0%A4%A", 400],
    ["DELETE", "/hub/api/tokens/", 404],
  ])("%s %s: %i", async (method, path, status) => {
    expect((await ask(ada, path, { method, headers: acting })).status).toBe(status);
  });

  it.each([
    [rea, { files: "/files/", code: null }, ["read"], false],
    [mia, { files: "/files/", code: null }, ["read", "write", "delete"], false],
    [ada, { files: "/files/", code: "/code/" }, ["read", "write", "delete"], true],
  ])("tells who one is and where one may go: %o", async (who, links, tokenScopes, others) => {
    const { json } = await ask(who, "/hub/api/me");
    expect(json).toMatchObject({ tokenScopes, others, role: who["X-Hub-Role"] });
    expect(json.links).toMatchObject({ ...links, mcp: `${publicUrl}/mcp` });
    expect(json.name).toMatch(/^Łucja/);
  });
});

describe("the status", () => {
  it("is whole for administrators", async () => {
    const { json } = await ask(ada, "/hub/api/status");
    expect(json).toMatchObject({ healthy: true, version, volume: { size: 50, used: 10 } });
    expect(json.releases).toHaveLength(1);
    expect(json.services[0].memory).toEqual({ used: 10, limit: 100 });
  });

  it.each([mia, rea])("is that of the services for others", async (who) => {
    const { json } = await ask(who, "/hub/api/status");
    expect(json).toMatchObject({
      healthy: true,
      releases: [],
      updates: null,
      memory: null,
      disk: null,
      volume: null,
      load: null,
    });
    expect(json.services[0]).toMatchObject({ name: "nginx", health: "healthy", memory: null });
  });
});

describe("news of the status", () => {
  it("comes at once and at a change, with signs of life, and ends so that the page asks the gate again", async () => {
    version = "1";
    const { status, headers, text } = await ask(ada, "/hub/api/events", {
      heard: (text) => {
        if (text.includes('"version":"1"')) version = "2";
      },
    });
    version = "0123456789abcdef";
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/event-stream");
    expect(text).toMatch(/^retry: 1000\n\n/);
    expect(text).toContain(": here\n\n");
    const versions = [...text.matchAll(/^data: (.*)$/gm)].map(
      ([, data]) => JSON.parse(data ?? "").version,
    );
    expect(versions[0]).toBe("1");
    expect(versions.at(-1)).toBe("2");
  });

  it("is for one's own eyes", async () => {
    const { text } = await ask(mia, "/hub/api/events");
    const [, data = ""] = /^data: (.*)$/m.exec(text) ?? [];
    expect(JSON.parse(data)).toMatchObject({ releases: [], updates: null });
  });

  it("is for so many pages of one person", async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () => ask(max, "/hub/api/events")));
    expect(all.filter(({ status }) => status === 503)).toHaveLength(2);
    expect((await ask(max, "/hub/api/events")).status).toBe(200);
  });

  it("ends when the server does", async () => {
    const begun = Promise.withResolvers<void>();
    const listening = ask(ada, "/hub/api/events", { heard: () => begun.resolve() });
    await begun.promise;
    await stop();
    expect((await listening).text).toContain("event: status");
    await serve();
  });
});

describe("tokens", () => {
  it("show their secret once, and open what they say", async () => {
    const made = await make(mia, { name: "laptop", scopes: ["write", "read"] });
    expect(made.status).toBe(201);
    const { secret } = made.json;
    expect(made.json).toMatchObject({
      name: "laptop",
      scopes: ["read", "write"],
      projects: "all",
      own: true,
    });
    const days = (Date.parse(made.json.expires) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThan(90.1);
    const store = new TokenStore(tokensFile());
    const caller = store.authenticate(secret, "files");
    expect([...(caller?.scopes ?? [])]).toEqual(["read", "write"]);
    // The tools are for administrators here, and no token of a member leads round that.
    expect(store.authenticate(secret, "tools")).toBeUndefined();
    const [stored] = readTokens(tokensFile());
    expect(stored?.owner).toEqual({ id: "mia", email: "mia@exämple.com" });
    for (const who of [mia, ada]) {
      const { text } = await ask(who, "/hub/api/tokens");
      expect(text).toContain("laptop");
      expect(text).not.toContain(secret);
      expect(text).not.toContain(stored?.sha256);
    }
    expect((await revoke(mia, "laptop")).status).toBe(204);
    expect(new TokenStore(tokensFile()).authenticate(secret, "files")).toBeUndefined();
  });

  it("of others are nobody's business but an administrator's", async () => {
    await make(mia, { name: "hers", scopes: ["read"] });
    createToken(tokensFile(), { name: "by-hand", scopes: ["read"], projects: ["blog"] });
    expect((await ask(max, "/hub/api/tokens")).json).toEqual({ tokens: [] });
    for (const name of ["hers", "by-hand", "nothing"]) {
      const refused = await revoke(max, name);
      expect(refused.status, name).toBe(404);
      expect(refused.json).toEqual({ error: "You have no token of that name." });
    }
    expect(
      (await ask(ada, "/hub/api/tokens")).json.tokens.map(
        ({ name, owner, own }: { name: string; owner: string | null; own: boolean }) => [
          name,
          owner,
          own,
        ],
      ),
    ).toEqual([
      ["by-hand", null, false],
      ["hers", "mia@exämple.com", false],
    ]);
    for (const name of ["hers", "by-hand"]) expect((await revoke(ada, name)).status).toBe(204);
    expect(readTokens(tokensFile())).toEqual([]);
  });

  it.each([
    ["no JSON", "{", 400],
    ["nothing", "null", 400],
    ["no scopes", { name: "a", scopes: [] }, 400],
    ["an odd scope", { name: "a", scopes: ["fly"] }, 400],
    ["an odd name", { name: "../a", scopes: ["read"] }, 400],
    ["the name of the hub's own", { name: "hub", scopes: ["read"] }, 400],
    ["more than a year", { name: "a", scopes: ["read"], expires: 367 }, 400],
    ["no time", { name: "a", scopes: ["read"], expires: 0 }, 400],
    ["half a day", { name: "a", scopes: ["read"], expires: 0.5 }, 400],
    ["another's name on it", { name: "a", scopes: ["read"], owner: { id: "ada" } }, 400],
    ["all projects of its own choice", { name: "a", scopes: ["read"], projects: "all" }, 400],
    ["code in the chat server", { name: "a", scopes: ["read", "self-modify"] }, 403],
    ["far too much", { name: "a".repeat(5_000), scopes: ["read"] }, 413],
  ])("are not made with %s", async (_what, body, status) => {
    const answer = await make(ada, body);
    expect(answer.status).toBe(status);
    expect(answer.json.error).not.toBe("");
    expect(readTokens(tokensFile())).toEqual([]);
  });

  it("of readers only read", async () => {
    expect((await make(rea, { name: "w", scopes: ["write"] })).status).toBe(403);
    expect((await make(rea, { name: "r", scopes: ["read"] })).status).toBe(201);
  });

  it("have one name each", async () => {
    await make(mia, { name: "a", scopes: ["read"] });
    expect((await make(mia, { name: "a", scopes: ["read"] })).status).toBe(409);
  });

  it("are so many of one person", async () => {
    for (let count = 0; count < 50; count += 1) {
      createToken(tokensFile(), {
        name: `t${count}`,
        scopes: ["read"],
        projects: "all",
        owner: { id: "mia", email: "mia@example.com" },
      });
    }
    expect((await make(mia, { name: "more", scopes: ["read"] })).status).toBe(409);
    expect((await make(max, { name: "more", scopes: ["read"] })).status).toBe(201);
  });

  it.each([
    ["no header of the page's", { "Content-Type": "application/json" }, 403],
    ["another header", { ...acting, "X-Hub-Action": "yes" }, 403],
    ["a form's type", { ...acting, "Content-Type": "text/plain" }, 415],
    ["a type that begins alike", { ...acting, "Content-Type": "application/jsonp" }, 415],
    ["another site's origin", { ...acting, Origin: "https://evil.example" }, 403],
    ["no site's origin", { ...acting, Origin: "null" }, 403],
    ["the other scheme", { ...acting, Origin: "http://hub.example" }, 403],
  ])("are not changed by a call with %s", async (_what, headers, status) => {
    createToken(tokensFile(), {
      name: "kept",
      scopes: ["read"],
      projects: "all",
      owner: { id: "ada", email: "a" },
    });
    expect((await make(ada, { name: "a", scopes: ["read"] }, headers)).status).toBe(status);
    expect((await revoke(ada, "kept", headers as typeof acting)).status).toBe(status);
    expect(readTokens(tokensFile()).map(({ name }) => name)).toEqual(["kept"]);
  });

  it("are changed from the hub's own page", async () => {
    const headers = {
      ...acting,
      "Content-Type": "application/json; charset=utf-8",
      Origin: publicUrl,
    };
    expect((await make(ada, { name: "a", scopes: ["read"] }, headers)).status).toBe(201);
  });
});

describe("tokens of a hub whose files are for administrators", () => {
  it("are not made by others", async () => {
    await stop();
    await serve({ ...defaultAccess, files: "admins" });
    expect((await ask(mia, "/hub/api/me")).json).toMatchObject({
      tokenScopes: [],
      links: { files: null },
    });
    expect((await make(mia, { name: "a", scopes: ["read"] })).status).toBe(403);
    await stop();
    await serve();
  });
});

describe("the last calls", () => {
  const line = (user: string | undefined, tool: string) =>
    `${JSON.stringify({ time: "2026-05-01T00:00:00Z", token: "t", user, tool, outcome: "ok", address: "203.0.113.9" })}\n`;
  const mine = "mia@exämple.com";

  it("are one's own, or all for an administrator, the newest first", async () => {
    await mkdir(join(folder, "audit"));
    await writeFile(
      auditFile(),
      `${line(mine, "one")}{"half\n{"time":"x","dropped":3}\n${line(undefined, "two")}${line(`x${mine}`, "three")}${line(mine, "four")}`,
    );
    const tools = async (who: Record<string, string>, query = "") =>
      (await ask(who, `/hub/api/audit${query}`)).json.lines.map(
        ({ tool }: { tool: string }) => tool,
      );
    expect(await tools(ada)).toEqual(["four", "three", "two", "one"]);
    expect(await tools(ada, "?limit=2")).toEqual(["four", "three"]);
    expect(await tools(mia)).toEqual(["four", "one"]);
    expect(await tools(max)).toEqual([]);
    expect((await ask(ada, "/hub/api/audit")).text).not.toContain("203.0.113.9");
  });

  it("are read from the end of a long log", async () => {
    await mkdir(join(folder, "audit"));
    await writeFile(auditFile(), line(mine, "first"));
    await appendFile(auditFile(), line(undefined, "other").repeat(4_000));
    await appendFile(auditFile(), line(mine, "last"));
    const { lines } = (await ask(mia, "/hub/api/audit?limit=200")).json;
    expect(lines.map(({ tool }: { tool: string }) => tool)).toEqual(["last"]);
  });

  it("are none before the first, and follow no link", async () => {
    expect((await ask(ada, "/hub/api/audit")).json).toEqual({ lines: [] });
    await mkdir(join(folder, "audit"));
    await writeFile(join(folder, "elsewhere"), line(mine, "secret"));
    await symlink(join(folder, "elsewhere"), auditFile());
    expect((await ask(ada, "/hub/api/audit")).status).toBe(500);
  });

  it.each(["0", "201", "-1", "x", "1e2", ""])("are not %o", async (limit) => {
    expect((await ask(ada, `/hub/api/audit?limit=${limit}`)).status).toBe(400);
  });
});

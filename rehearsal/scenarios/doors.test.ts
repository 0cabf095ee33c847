/** Nothing but the login page and the chat's static assets answers without a login. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Answer, ask, askJson, hubOk, type Outputs, outputs, signIn } from "./hub.ts";

let to: Outputs;

beforeAll(async () => {
  await hubOk(["up", "--yes"]);
  to = await outputs();
});

/** What an answer to a stranger may be: a refusal, a redirect to the login, or the chat's own page shell. */
function refused(answer: Answer): boolean {
  if ([400, 401, 403, 404, 405, 415, 421, 422, 429].includes(answer.status)) return true;
  if (answer.status >= 300 && answer.status < 400) return true;
  return false;
}

const shell = /<title>Open WebUI<\/title>/;

const guarded = ["/files", "/code", "/hub", "/mcp"];
const spellings = (path: string) => [
  path,
  `${path}/`,
  `/${path}/`,
  `${path}//`,
  `${path}/..;/`,
  `${path}/.;/x`,
  `${path};a=b/`,
  `${path}/%2e%2e/`,
  `${path}/%2e%2e${path}/`,
  `/x/..${path}/`,
  `/x/%2e%2e${path}/`,
  `/.${path}/`,
  `${path.replace("/", "/%2f")}/`,
  `/%2f${path.slice(1)}/`,
  `${path.replace(/^\/(.)/, (_all, letter: string) => `/%${letter.charCodeAt(0).toString(16)}`)}/`,
  `${path.toUpperCase()}/`,
  `${path}/?x=/static/`,
  `${path}/%00`,
  `/static/..${path}/`,
  `/static/%2e%2e${path}/`,
  `/_app/..%2f..${path}/`,
  `\\${path.slice(1)}/`,
  `${path}/api/../`,
  `${path}/.well-known/acme-challenge/../`,
  `/.well-known/acme-challenge/..${path}/`,
];
const methods = [
  "GET",
  "HEAD",
  "OPTIONS",
  "POST",
  "PUT",
  "DELETE",
  "PROPFIND",
  "MKCOL",
  "MOVE",
  "PATCH",
];

describe.each(guarded)("%s to a stranger", (path) => {
  it.each(spellings(path))("%s never reaches the side app", async (spelling) => {
    const answer = await ask(to, spelling, { headers: { Accept: "text/html" } });
    if (!refused(answer)) {
      // What is left is the chat's own page shell, which holds nothing and asks for the login.
      expect(answer.status, `${spelling}: ${answer.body.slice(0, 200)}`).toBe(200);
      expect(answer.body, spelling).toMatch(shell);
    }
  });

  it.each(methods)("%s is refused", async (method) => {
    for (const spelling of [`${path}/`, path]) {
      const answer = await ask(to, spelling, { method });
      expect(
        refused(answer),
        `${method} ${spelling}: ${answer.status} ${answer.body.slice(0, 200)}`,
      ).toBe(true);
    }
  });

  it("a websocket upgrade is refused", async () => {
    const answer = await ask(to, `${path}/`, {
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });
    expect(answer.status).not.toBe(101);
    expect(refused(answer), `${answer.status}`).toBe(true);
  });

  it.each([
    ["a made-up cookie", { Cookie: "token=eyJhbGciOiJIUzI1NiJ9.e30.AAAA" }],
    ["a made-up bearer", { Authorization: "Bearer sk-0123456789abcdef0123456789abcdef" }],
    ["an empty bearer", { Authorization: "Bearer " }],
    [
      "headers that claim a user",
      { "X-Hub-User": "admin@aihub.localhost", "X-Hub-Role": "admin", "X-Forwarded-User": "admin" },
    ],
    [
      "headers that claim another path",
      { "X-Original-URL": "/static/", "X-Rewrite-URL": "/static/", "X-Forwarded-Uri": "/auth" },
    ],
    [
      "headers that claim to be inside",
      { "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", Forwarded: "for=127.0.0.1" },
    ],
  ])("%s opens nothing", async (_what, headers) => {
    const answer = await ask(to, `${path}/`, { headers });
    expect(refused(answer), `${answer.status} ${answer.body.slice(0, 200)}`).toBe(true);
  });
});

describe("the chat to a stranger", () => {
  it.each([
    "/api/models",
    "/api/v1/auths/",
    "/api/v1/auths",
    "/api/v1/chats/",
    "/api/v1/users/",
    "/api/v1/files/",
    "/api/v1/configs/export",
    "/api/v1/configs/tool_servers",
    "/api/v1/tools/",
    "/api/v1/functions/",
    "/api/v1/knowledge/",
    "/api/v1/utils/code/format",
    "/openai/config",
    "/ollama/config",
    "/ready",
    "/health",
    "/health/db",
    "/docs",
    "/openapi.json",
    "/metrics",
    "/_admin",
    "/_member",
  ])("%s tells nothing", async (path) => {
    const answer = await ask(to, path);
    if (!refused(answer)) {
      expect(answer.status, path).toBe(200);
      expect(answer.body, path).toMatch(shell);
    }
  });

  it("offers no sign-up", async () => {
    const answer = await ask(to, "/api/v1/auths/signup", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "x", email: "x@example.org", password: "x-password-1" }),
    });
    expect(answer.status).toBe(403);
  });

  it("does not answer for another host name", async () => {
    const answer = await ask(to, "/", { headers: { Host: "evil.example" } }).catch(() => undefined);
    if (answer) expect([400, 403, 404, 421]).toContain(answer.status);
  });

  it("sends people who are not signed in to the login and back", async () => {
    const answer = await ask(to, "/files/plans/", { headers: { Accept: "text/html" } });
    expect(answer.status).toBe(302);
    expect(String(answer.headers.location)).toMatch(/\/auth\?redirect=.*files/);
  });
});

describe("a person who may", () => {
  it("opens files, code and the home page with the chat's cookie alone", async () => {
    const session = await signIn(to);
    for (const path of ["/files/", "/hub/"]) {
      const answer = await ask(to, path, { headers: { Cookie: session.cookie } });
      expect(answer.status, path).toBe(200);
    }
    const code = await ask(to, "/code/", { headers: { Cookie: session.cookie } });
    expect([200, 302]).toContain(code.status);
  });

  it("is told clearly when signed in without the right, and not sent round in a loop", async () => {
    const admin = await signIn(to);
    const email = `member-${Date.now()}@example.org`;
    const password = "a-member-password-1";
    const member = await askJson<{ id: string }>(to, "/api/v1/auths/add", {
      method: "POST",
      session: admin,
      json: { name: "Member", email, password, role: "user" },
    });
    try {
      const session = await signIn(to, email, password);
      for (const path of ["/files/", "/code/", "/hub/"]) {
        const answer = await ask(to, path, {
          headers: { Cookie: session.cookie, Accept: "text/html" },
        });
        expect(answer.status, path).toBe(403);
      }
    } finally {
      await askJson(to, `/api/v1/users/${member.id}`, { method: "DELETE", session: admin });
    }
  });

  it("is refused at once after signing out", async () => {
    const session = await signIn(to);
    await ask(to, "/api/v1/auths/signout", {
      method: "POST",
      headers: { Cookie: session.cookie },
    });
    const answer = await ask(to, "/files/", { headers: { Cookie: session.cookie } });
    expect(refused(answer)).toBe(true);
  });
});

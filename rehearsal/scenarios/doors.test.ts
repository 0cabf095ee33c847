/** Nothing but the login page and the chat's static assets answers without a login. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Answer,
  type Ask,
  ask,
  askJson,
  beUp,
  hub,
  hubOk,
  type Outputs,
  outputs,
  type Session,
  signIn,
} from "./hub.ts";

let to: Outputs;

beforeAll(async () => {
  await beUp();
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

const websocket = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

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
    const answer = await ask(to, `${path}/`, { headers: websocket });
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
    "/_gate",
    "/gate",
    "/_refused",
    "/_unavailable",
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
    const answer = await ask(to, "/files/plans/?q=a&b", { headers: { Accept: "text/html" } });
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe("/auth?redirect=%2Ffiles%2Fplans%2F%3Fq%3Da%26b");
  });
});

describe("who passes which door", () => {
  interface Caller {
    headers: Record<string, string>;
    /** Status at each of the doors below. */
    expected: number[];
  }
  const doors: [string, string, Ask][] = [
    ["files, as a page", "/files/", { headers: { Accept: "text/html" } }],
    ["files, to a program", "/files/", { method: "PROPFIND", headers: { Depth: "0" } }],
    ["a file to write", "/files/written.txt", { method: "PUT", body: "x" }],
    ["a file to delete", "/files/written.txt", { method: "DELETE" }],
    ["code", "/code/", { headers: { Accept: "text/html" } }],
    ["home", "/hub/", { headers: { Accept: "text/html" } }],
    ["its figures", "/hub/api/status", {}],
    [
      "tools",
      "/mcp",
      {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
      },
    ],
  ];
  const password = "a-member-password-1";
  const emails = {
    pending: `pending-${Date.now()}@example.org`,
    member: `member-${Date.now()}@example.org`,
    reader: `reader-${Date.now()}@example.org`,
  };
  const callers: Record<string, Caller> = {};
  const made: string[] = [];
  let admin: Session;

  beforeAll(async () => {
    await hubOk(["config", "set", "readers", emails.reader]);
    await hubOk(["up", "--yes"]);
    admin = await signIn(to);
    for (const [kind, email] of Object.entries(emails)) {
      const role = kind === "pending" ? "pending" : "user";
      const { id } = await askJson<{ id: string }>(to, "/api/v1/auths/add", {
        method: "POST",
        session: admin,
        json: { name: kind, email, password, role },
      });
      made.push(id);
    }
    const cookie = async (email: string) => ({
      Cookie: (await signIn(to, email, password)).cookie,
    });
    const token = async (name: string) =>
      (await hubOk(["token", "create", name])).stdout.split("\n")[0] ?? "";
    const basic = (secret: string) => ({
      Authorization: `Basic ${Buffer.from(`me:${secret}`).toString("base64")}`,
    });
    // Left by a run that was cut off.
    for (const name of ["kept", "revoked"]) await hub(["token", "revoke", name]);
    const kept = await token("kept");
    const revoked = await token("revoked");
    await hubOk(["token", "revoke", "revoked"]);
    const stranger = [302, 401, 401, 401, 302, 302, 302, 401];
    Object.assign(callers, {
      nobody: { headers: {}, expected: stranger },
      "a made-up session": { headers: { Cookie: "token=a.b.c" }, expected: stranger },
      pending: {
        headers: await cookie(emails.pending),
        expected: [403, 403, 403, 403, 403, 403, 403, 401],
      },
      reader: {
        headers: await cookie(emails.reader),
        expected: [200, 207, 403, 403, 403, 200, 200, 401],
      },
      member: {
        headers: await cookie(emails.member),
        expected: [200, 207, 201, 204, 403, 200, 200, 401],
      },
      admin: {
        headers: { Cookie: admin.cookie },
        expected: [200, 207, 201, 204, 302, 200, 200, 401],
      },
      "a token as bearer": {
        headers: { Authorization: `Bearer ${kept}` },
        expected: [401, 401, 401, 401, 302, 302, 302, 200],
      },
      "a token as password": {
        headers: basic(kept),
        expected: [200, 207, 201, 204, 302, 302, 302, 401],
      },
      "a revoked token as bearer": {
        headers: { Authorization: `Bearer ${revoked}` },
        expected: [401, 401, 401, 401, 302, 302, 302, 401],
      },
      "a revoked token as password": { headers: basic(revoked), expected: stranger.with(0, 401) },
      "a revoked token beside an admin's session": {
        headers: { ...basic(revoked), Cookie: admin.cookie },
        expected: [401, 401, 401, 401, 302, 200, 200, 401],
      },
    } satisfies Record<string, Caller>);
  });
  afterAll(async () => {
    for (const id of made)
      await askJson(to, `/api/v1/users/${id}`, { method: "DELETE", session: admin });
    await hubOk(["token", "revoke", "kept"]);
    await hubOk(["config", "rm", "readers"]);
    await hubOk(["up", "--yes"]);
  });

  const knock = (caller: Caller, path: string, options: Ask) =>
    ask(to, path, { ...options, headers: { ...options.headers, ...caller.headers } });

  it.each([
    "nobody",
    "a made-up session",
    "pending",
    "reader",
    "member",
    "admin",
    "a token as bearer",
    "a token as password",
    "a revoked token as bearer",
    "a revoked token as password",
    "a revoked token beside an admin's session",
  ])("%s", async (name) => {
    const caller = callers[name] as Caller;
    const found: Record<string, number> = {};
    for (const [what, path, options] of doors)
      found[what] = (await knock(caller, path, options)).status;
    expect(found).toEqual(
      Object.fromEntries(doors.map(([what], index) => [what, caller.expected[index]])),
    );
  });

  it.each(["pending", "reader", "member"])(
    "%s finds no spelling that leads further",
    async (name) => {
      const caller = callers[name] as Caller;
      const shut = name === "pending" ? ["/files", "/code", "/hub"] : ["/code"];
      for (const path of shut) {
        for (const spelling of spellings(path)) {
          for (const upgrade of [{}, websocket]) {
            const answer = await knock(caller, spelling, {
              headers: { Accept: "text/html", ...upgrade },
            });
            if (refused(answer)) continue;
            expect(answer.status, `${spelling}: ${answer.body.slice(0, 200)}`).toBe(200);
            expect(answer.body, spelling).toMatch(shell);
          }
        }
      }
    },
  );

  it("a reader writes under no spelling", async () => {
    const caller = callers.reader as Caller;
    for (const method of ["PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PATCH", "PROPPATCH", "POST"]) {
      for (const spelling of spellings("/files")) {
        const options = { method, body: "x", headers: { Destination: "/files/elsewhere.txt" } };
        const answer = await knock(caller, `${spelling}x.txt`, options);
        expect(refused(answer), `${method} ${spelling}: ${answer.status}`).toBe(true);
      }
    }
  });

  it("headers that name a person are nginx's word alone", async () => {
    const answer = await knock(callers.reader as Caller, "/files/x.txt", {
      method: "PUT",
      body: "x",
      headers: { "X-Hub-Role": "admin", "X-Gate-Method": "GET", "X-Gate-Door": "home" },
    });
    expect(answer.status).toBe(403);
  });

  it("another site's page cannot write with a session", async () => {
    for (const origin of ["https://evil.example", "null", `${to.url}.evil.example`]) {
      const answer = await knock(callers.admin as Caller, "/files/x.txt", {
        method: "PUT",
        body: "x",
        headers: { Origin: origin },
      });
      expect(answer.status, origin).toBe(403);
      const socket = await knock(callers.admin as Caller, "/code/", {
        headers: { ...websocket, Origin: origin },
      });
      expect(socket.status, origin).toBe(403);
    }
  });

  it("a member who becomes an administrator, and one who is shut out, within seconds", async () => {
    const [, id = ""] = made;
    const { headers } = callers.member as Caller;
    const status = async () =>
      (await ask(to, "/code/", { headers: { ...headers, Accept: "text/html" } })).status;
    const become = (role: string) =>
      askJson(to, `/api/v1/users/${id}/update`, {
        method: "POST",
        session: admin,
        json: { role, name: "member", email: emails.member, profile_image_url: "/user.png" },
      });
    await become("admin");
    await expect.poll(status, { timeout: 60_000, interval: 500 }).toBe(302);
    await become("pending");
    await expect.poll(status, { timeout: 60_000, interval: 500 }).toBe(403);
  });
});

describe("a person who signs out", () => {
  it("is refused within seconds", async () => {
    const session = await signIn(to);
    const open = () =>
      ask(to, "/files/", { headers: { Cookie: session.cookie, Accept: "text/html" } });
    expect((await open()).status).toBe(200);
    await ask(to, "/api/v1/auths/signout", {
      method: "POST",
      headers: { Cookie: session.cookie },
    });
    await expect
      .poll(async () => (await open()).status, { timeout: 60_000, interval: 500 })
      .toBe(302);
  });
});

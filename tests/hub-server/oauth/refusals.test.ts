/** What must not work: for programs, for people, and for pages of others. */
import { hash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readTokens } from "../../../mcp-server/src/access/tokens.ts";
import { Browser, type Page } from "./browser.ts";
import { alice, bob, startTestHub, type TestHub } from "./hub.ts";

const documented = "https://program.example/client.json";
const fetched: string[] = [];

let hub: TestHub;
let clientId: string;
beforeAll(async () => {
  hub = await startTestHub({
    fetchDocument: async (url) => {
      fetched.push(String(url));
      return Response.json({
        client_id: documented,
        client_name: "Documented",
        redirect_uris: ["https://program.example/callback", "http://localhost/callback"],
        token_endpoint_auth_method: "none",
      });
    },
  });
  clientId = (await register({ redirect_uris: [callback] })).body.client_id ?? "";
});
afterAll(() => hub.stop());
beforeEach(() => {
  hub.person = alice;
});

const callback = "http://127.0.0.1/callback";
const verifier = randomBytes(32).toString("base64url");
const challenge = hash("sha256", verifier, "base64url");

interface Answer {
  status: number;
  body: Record<string, string>;
}

async function register(metadata: unknown): Promise<Answer> {
  const answer = await hub.fetch(`${hub.publicUrl}/oauth/register`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(metadata),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

/** An authorization address; undefined leaves a parameter out. */
function authorize(changes: Record<string, string | undefined> = {}): URL {
  const url = new URL("/oauth/authorize", hub.publicUrl);
  const parameters: Record<string, string | undefined> = {
    client_id: clientId,
    redirect_uri: callback,
    response_type: "code",
    scope: "read write",
    state: "xyz",
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource: `${hub.publicUrl}/mcp`,
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

const browse = () => new Browser(hub.fetch, hub.publicUrl);

async function codeFrom(changes: Record<string, string | undefined> = {}): Promise<string> {
  const browser = browse();
  const page = await browser.open(authorize(changes));
  return (await browser.goBack(await browser.send(page))).searchParams.get("code") ?? "";
}

async function exchange(code: string, changes: Record<string, string> = {}): Promise<Answer> {
  const answer = await hub.fetch(`${hub.publicUrl}/oauth/token`, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: callback,
      client_id: clientId,
      code_verifier: verifier,
      ...changes,
    }).toString(),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

const errorOf = (page: Page) => /[?&#]error=([^&]*)/.exec(page.headers.get("location") ?? "")?.[1];
const opens = async (token = "") =>
  (
    await hub.fetch(hub.mcpUrl, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: "{}",
    })
  ).status !== 401;

describe("a code", () => {
  it("gives tokens to who asked for it, once; shown again, they are taken back", async () => {
    const code = await codeFrom();
    const { status, body } = await exchange(code);
    expect(status).toBe(200);
    expect(await opens(body.access_token)).toBe(true);
    expect(await exchange(code)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect(await opens(body.access_token)).toBe(false);
  });
  it.each([
    ["another verifier", { code_verifier: randomBytes(32).toString("base64url") }, "invalid_grant"],
    ["no verifier", { code_verifier: "" }, "invalid_grant"],
    ["another redirect address", { redirect_uri: "http://127.0.0.1:1/callback" }, "invalid_grant"],
    ["another resource", { resource: "https://elsewhere.example/mcp" }, "invalid_target"],
    ["another client", { client_id: "somebody" }, "invalid_client"],
  ])("gives nothing for %s", async (_what, changes, error) => {
    const before = readTokens(hub.tokensFile).length;
    expect((await exchange(await codeFrom(), changes)).body.error).toBe(error);
    expect(readTokens(hub.tokensFile)).toHaveLength(before);
  });
});

describe("an authorization request", () => {
  it.each([
    [
      "without PKCE",
      { code_challenge: undefined, code_challenge_method: undefined },
      "invalid_request",
    ],
    ["with a plain challenge", { code_challenge_method: "plain" }, "invalid_request"],
    ["for tokens at once", { response_type: "token" }, "unsupported_response_type"],
    ["for another resource", { resource: "https://elsewhere.example/mcp" }, "invalid_target"],
    ["for the hub as a whole", { resource: "https://aihub.example.com" }, "invalid_target"],
    ["without anybody looking", { prompt: "none" }, "consent_required"],
  ])("%s is sent back with an error", async (_what, changes, error) => {
    const page = await browse().open(authorize(changes));
    expect(page.status).toBe(303);
    expect(errorOf(page)).toBe(error);
  });
  it.each([
    ["to another address", { redirect_uri: "https://elsewhere.example/callback" }],
    ["to another path of this computer", { redirect_uri: "http://127.0.0.1/other" }],
    ["of nobody", { client_id: "nobody" }],
  ])("%s is sent nowhere", async (_what, changes) => {
    const page = await browse().open(authorize(changes));
    expect(page.status).toBe(400);
    expect(page.headers.get("location")).toBeNull();
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });
  it("may come back to any port of this computer, and without a state", async () => {
    const browser = browse();
    const redirect_uri = "http://127.0.0.1:51234/callback";
    const page = await browser.open(authorize({ redirect_uri, state: undefined }));
    const back = await browser.goBack(await browser.send(page));
    expect(back.href.startsWith(`${redirect_uri}?`)).toBe(true);
    expect(back.searchParams.has("state")).toBe(false);
    expect(back.searchParams.get("iss")).toBe(hub.publicUrl);
  });
  it("asks for all there is when it names nothing that there is", async () => {
    for (const scope of [undefined, "openid profile mcp:tools"]) {
      const page = await browse().open(authorize({ scope, nonce: "n", max_age: "1" }));
      for (const each of ["read", "write", "delete"])
        expect(page.body).toContain(`value="${each}"`);
    }
  });
});

describe("a registration", () => {
  it.each([
    ["no object", []],
    ["no address to come back to", { client_name: "x" }],
    ["an address without TLS elsewhere", { redirect_uris: ["http://elsewhere.example/cb"] }],
    ["a script for an address", { redirect_uris: ["javascript:alert(1)"] }],
    ["an address with a fragment", { redirect_uris: ["https://elsewhere.example/cb#x"] }],
    ["more than a client is", { redirect_uris: [callback], client_name: "x".repeat(9000) }],
  ])("with %s is refused", async (_what, metadata) => {
    expect(await register(metadata)).toMatchObject({ status: 400 });
  });
  it("takes what there is in place of what was wished, and fetches nothing", async () => {
    const { status, body } = await register({
      redirect_uris: [callback, "cursor://anysphere.cursor-retrieval/oauth/callback"],
      application_type: "web",
      token_endpoint_auth_method: "client_secret_post",
      grant_types: [
        "authorization_code",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
      ],
      scope: "openid everything",
      jwks_uri: "https://10.0.0.1/keys",
      sector_identifier_uri: "https://10.0.0.1/sector",
      logo_uri: "https://10.0.0.1/logo",
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      application_type: "native",
    });
    for (const absent of [
      "client_secret",
      "jwks_uri",
      "sector_identifier_uri",
      "registration_access_token",
    ])
      expect(body).not.toHaveProperty(absent);
  });
});

describe("the consent page", () => {
  it("shows who asks, who one is and what is asked, and escapes it", async () => {
    const { body } = await register({
      redirect_uris: ["https://program.example/callback"],
      client_name: `<img src=x onerror="alert(1)">\u202e`,
    });
    const page = await browse().open(
      authorize({ client_id: body.client_id, redirect_uri: "https://program.example/callback" }),
    );
    expect(page.body).not.toContain("<img");
    expect(page.body).not.toContain("\u202e");
    for (const shown of ["&lt;img", "program.example", "Alice Ä.", "alice@example.com"])
      expect(page.body).toContain(shown);
    const policy = page.headers.get("content-security-policy") ?? "";
    const style = /<style>([\s\S]*)<\/style>/.exec(page.body)?.[1] ?? "";
    expect(policy).toContain(`'sha256-${hash("sha256", style, "base64")}'`);
    for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(rule);
    expect(page.headers.get("cache-control")).toBe("no-store");
  });

  it("is answered by a page that goes on by itself to the web, and by a click to an application", async () => {
    const uris = ["https://program.example/callback", "cursor://somewhere/callback"];
    const { body } = await register({ redirect_uris: uris });
    for (const redirect_uri of uris) {
      const browser = browse();
      const page = await browser.open(authorize({ client_id: body.client_id, redirect_uri }));
      const sent = await browser.send(page);
      expect(sent.status).toBe(200);
      expect(sent.body.includes('http-equiv="refresh"')).toBe(redirect_uri.startsWith("https:"));
      expect((await browser.goBack(sent)).href.startsWith(redirect_uri)).toBe(true);
    }
  });

  it("gives what is ticked, and no more than was asked", async () => {
    const browser = browse();
    const page = await browser.open(authorize({ scope: "read write" }));
    const sent = await browser.send(page, { scope: ["read", "delete", "self-modify"] });
    const code = (await browser.goBack(sent)).searchParams.get("code") ?? "";
    expect((await exchange(code)).body.scope).toBe("read");
    expect(readTokens(hub.tokensFile).at(-1)?.scopes).toEqual(["read"]);
  });

  it.each([
    ["no", { answer: "deny" }],
    ["nothing", { answer: undefined }],
    ["yes to nothing", { scope: [] }],
  ])("sends %s back as a refusal", async (_what, fields) => {
    const browser = browse();
    const sent = await browser.send(await browser.open(authorize()), fields);
    const back = await browser.goBack(sent);
    expect(back.searchParams.get("error")).toBe("access_denied");
    expect(back.searchParams.has("code")).toBe(false);
  });

  it("is for people that the gate names, with a role", async () => {
    const browser = browse();
    const first = await browser.ask(authorize());
    const address = first.headers.get("location") ?? "";
    hub.person = undefined;
    expect((await browser.ask(address)).headers.get("location")).toContain("/auth?redirect=");
    for (const person of [
      { ...alice, role: "" },
      { ...alice, role: "root" },
      { ...alice, id: "" },
      { ...alice, email: "" },
    ]) {
      hub.person = person;
      expect((await browser.ask(address)).status).toBe(403);
    }
  });

  it("lets a reader give reading alone", async () => {
    hub.person = { ...bob, role: "reader" };
    const browser = browse();
    const page = await browser.open(authorize({ scope: "read write delete" }));
    expect(page.body).not.toContain('value="write"');
    const sent = await browser.send(page, { scope: ["read", "write", "delete"] });
    const code = (await browser.goBack(sent)).searchParams.get("code") ?? "";
    expect((await exchange(code)).body.scope).toBe("read");
    expect((await browse().open(authorize({ scope: "write" }))).status).toBe(403);
  });

  it.each([
    ["without the form's word", { csrf: undefined }, {}],
    ["with a made-up word", { csrf: "A".repeat(43) }, {}],
    ["from another site", {}, { Origin: "https://elsewhere.example" }],
    ["from nowhere", {}, { Origin: "null" }],
    ["as something else than a form", {}, { "Content-Type": "text/plain" }],
  ])("takes no form %s", async (_what, fields, headers) => {
    const browser = browse();
    const page = await browser.open(authorize());
    expect((await browser.send(page, fields, headers)).status).toBe(403);
    expect((await browser.send(page)).status).toBe(200);
  });

  it("takes no form that was shown to another person", async () => {
    const browser = browse();
    const page = await browser.open(authorize());
    hub.person = bob;
    expect((await browser.send(page)).status).toBe(403);
  });

  it("is nobody's without the cookie of the browser that started it", async () => {
    const browser = browse();
    const page = await browser.open(authorize());
    expect((await browse().ask(page.url)).status).toBe(400);
    const other = browse();
    await other.open(authorize());
    for (const [name, cookie] of other.cookies) other.cookies.set(name, { ...cookie, path: "/" });
    expect((await other.ask(page.url)).status).toBe(400);
    expect((await other.send(page)).status).toBe(400);
  });

  it("forgets who sat there before", async () => {
    const browser = browse();
    const one = await browser.goBack(await browser.send(await browser.open(authorize())));
    await exchange(one.searchParams.get("code") ?? "");
    hub.person = bob;
    const page = await browser.open(authorize());
    expect(page.body).toContain("bob@example.com");
    const two = await browser.goBack(await browser.send(page));
    await exchange(two.searchParams.get("code") ?? "");
    expect(readTokens(hub.tokensFile).at(-1)?.owner).toEqual({ id: bob.id, email: bob.email });
  });
});

describe("a program with a document of its own", () => {
  it("is let in by it, and named with the host that vouches", async () => {
    const page = await browse().open(
      authorize({ client_id: documented, redirect_uri: "http://localhost:4711/callback" }),
    );
    expect(fetched).toEqual([documented]);
    expect(page.body).toContain("Documented");
    expect(page.body).toContain("described at program.example");
  });
  it("has it fetched from the internet alone", async () => {
    const real = await startTestHub();
    for (const address of [
      "https://127.0.0.1/c",
      "https://[::1]/c",
      "https://10.0.0.7/c",
      "https://localhost/c",
      "https://169.254.169.254/c",
      "https://[::ffff:10.0.0.1]/c",
      "https://example.com:8443/c",
      "http://example.com/c",
    ]) {
      const url = authorize({ client_id: address });
      const answer = await real.fetch(url);
      expect(answer.status, address).toBe(400);
      expect(await answer.text()).toContain("invalid_client");
    }
    await real.stop();
  });
});

it.each([
  ["GET", "/oauth/"],
  ["GET", "/oauth/userinfo"],
  ["GET", "/oauth/me"],
  ["POST", "/oauth/introspect"],
  ["POST", "/oauth/device/auth"],
  ["POST", "/session/end/confirm"],
  ["GET", "/oauth/register/x"],
  ["GET", "/oauth/interaction/"],
  ["GET", "/oauth/interaction/a/b"],
  ["POST", "/oauth/authorize"],
  ["GET", "/.well-known/openid-credential-issuer"],
])("%s %s is not there", async (method, path) => {
  const { status } = await hub.fetch(`${hub.publicUrl}${path}`, { method });
  expect([404, 405]).toContain(status);
});

/** The whole way of a program, as the official SDK goes it: discovery, registration, consent, token, calls, refresh, revocation. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { auth, Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readTokens, revokeToken } from "../../../mcp-server/src/access/tokens.ts";
import { Browser } from "./browser.ts";
import { alice, startTestHub, type TestHub } from "./hub.ts";
import { Program } from "./program.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub();
});
afterAll(() => hub.stop());
beforeEach(() => {
  hub.person = alice;
});

/** A program that was let in. */
async function letIn(program = new Program()): Promise<Program> {
  const options = { serverUrl: hub.mcpUrl, fetchFn: hub.fetch };
  expect(await auth(program, options)).toBe("REDIRECT");
  const browser = new Browser(hub.fetch, hub.publicUrl);
  const consent = await browser.open(program.wanted ?? "");
  const back = await browser.goBack(await browser.send(consent));
  expect(`${back.origin}${back.pathname}`).toBe(program.redirectUrl);
  expect(back.searchParams.get("state")).toBe("the-state");
  const code = back.searchParams.get("code") ?? "";
  const iss = back.searchParams.get("iss") ?? "";
  expect(await auth(program, { ...options, authorizationCode: code, iss })).toBe("AUTHORIZED");
  return program;
}

async function call(token: string, name = "list_projects", args: object = {}): Promise<string> {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(
    new StreamableHTTPClientTransport(hub.mcpUrl, {
      fetch: hub.fetch,
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  );
  try {
    const result = await client.callTool({ name, arguments: args as Record<string, unknown> });
    return JSON.stringify(result);
  } finally {
    await client.close();
  }
}

const status = async (token: string) =>
  (
    await hub.fetch(hub.mcpUrl, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: "{}",
    })
  ).status;

async function post(
  path: string,
  form: Record<string, string>,
): Promise<{ status: number; body: Record<string, string> }> {
  const answer = await hub.fetch(`${hub.publicUrl}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
  });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : {} };
}
const refresh = (program: Program, token = program.given?.refresh_token ?? "") =>
  post("/oauth/token", {
    grant_type: "refresh_token",
    refresh_token: token,
    client_id: program.information?.client_id ?? "",
  });

it("a call without a token says where to get one, and what is there is standard", async () => {
  const answer = await hub.fetch(hub.mcpUrl, { method: "POST", body: "{}" });
  expect(answer.status).toBe(401);
  const hint = /resource_metadata="([^"]+)"/.exec(
    answer.headers.get("www-authenticate") ?? "",
  )?.[1];
  const resource = await (await hub.fetch(hint ?? "")).json();
  expect(resource).toMatchObject({
    resource: `${hub.publicUrl}/mcp`,
    authorization_servers: [hub.publicUrl],
    scopes_supported: ["read", "write", "delete"],
  });
  const server = await (
    await hub.fetch(`${hub.publicUrl}/.well-known/oauth-authorization-server`)
  ).json();
  expect(server).toMatchObject({
    issuer: hub.publicUrl,
    authorization_endpoint: `${hub.publicUrl}/oauth/authorize`,
    token_endpoint: `${hub.publicUrl}/oauth/token`,
    registration_endpoint: `${hub.publicUrl}/oauth/register`,
    revocation_endpoint: `${hub.publicUrl}/oauth/revoke`,
    jwks_uri: `${hub.publicUrl}/oauth/jwks`,
    response_types_supported: ["code"],
    grant_types_supported: expect.toSatisfy(
      (types: string[]) => types.toSorted().join() === "authorization_code,refresh_token",
    ),
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none"],
    client_id_metadata_document_supported: true,
  });
  for (const absent of [
    "userinfo_endpoint",
    "introspection_endpoint",
    "device_authorization_endpoint",
    "end_session_endpoint",
  ])
    expect(server).not.toHaveProperty(absent);
});

describe("a program that was let in", () => {
  it("calls tools in its person's name", async () => {
    const program = await letIn();
    expect(program.given).toMatchObject({
      token_type: "Bearer",
      expires_in: 3600,
      scope: "read write delete",
    });
    expect(await call(program.given?.access_token ?? "")).toContain("blog");
    const token = readTokens(hub.tokensFile).at(-1);
    expect(token).toMatchObject({
      name: expect.stringMatching(/^oauth-test-program-[0-9a-f]{10}$/),
      owner: { id: alice.id, email: alice.email },
      client: "Test Program",
      scopes: ["read", "write", "delete"],
      projects: "all",
    });
    expect(Date.parse(token?.expires ?? "") - Date.now()).toBeLessThanOrEqual(3_600_000);
  });

  it("gets new tokens in place of the old ones, and goes on after a restart", async () => {
    const program = await letIn();
    const before = program.given?.access_token ?? "";
    const names = readTokens(hub.tokensFile).map(({ name }) => name);
    await hub.restart();
    const { status: code, body } = await refresh(program);
    expect(code).toBe(200);
    expect(await status(before)).toBe(401);
    expect(await call(body.access_token ?? "")).toContain("blog");
    expect(
      readTokens(hub.tokensFile)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(names.toSorted());
    expect(body.refresh_token).not.toBe(program.given?.refresh_token);
  });

  it("that shows a used refresh token loses all it has", async () => {
    const program = await letIn();
    const { body } = await refresh(program);
    expect(await refresh(program)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect(await status(body.access_token ?? "")).toBe(401);
    expect((await refresh(program, body.refresh_token)).body.error).toBe("invalid_grant");
  });

  it("gets one pair of tokens when it refreshes twice at once", async () => {
    const program = await letIn();
    const both = await Promise.all([refresh(program), refresh(program)]);
    expect(both.filter(({ status: code }) => code === 200).length).toBeLessThanOrEqual(1);
  });

  it.each(["access_token", "refresh_token"] as const)(
    "is out when its %s is revoked",
    async (which) => {
      const program = await letIn();
      const { status: code } = await post("/oauth/revoke", {
        token: program.given?.[which] ?? "",
        client_id: program.information?.client_id ?? "",
      });
      expect(code).toBe(200);
      expect(await status(program.given?.access_token ?? "")).toBe(401);
      expect((await refresh(program)).body.error).toBe("invalid_grant");
    },
  );

  it("is out when the person revokes its token by name", async () => {
    const program = await letIn();
    revokeToken(hub.tokensFile, readTokens(hub.tokensFile).at(-1)?.name ?? "");
    expect(await status(program.given?.access_token ?? "")).toBe(401);
    expect((await refresh(program)).body.error).toBe("invalid_grant");
  });

  it("cannot revoke or refresh what another was given", async () => {
    const [one, other] = [await letIn(), await letIn()];
    const client_id = other.information?.client_id ?? "";
    await post("/oauth/revoke", { token: one.given?.access_token ?? "", client_id });
    expect(await status(one.given?.access_token ?? "")).not.toBe(401);
    const stolen = {
      grant_type: "refresh_token",
      refresh_token: one.given?.refresh_token ?? "",
      client_id,
    };
    expect((await post("/oauth/token", stolen)).body.error).toBe("invalid_grant");
  });
});

it("what lets in lies nowhere readable in the state folder", async () => {
  const program = await letIn();
  const { readFileSync } = await import("node:fs");
  for (const name of ["oauth.db", "oauth.db-wal"]) {
    const file = join(hub.state, name);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const content = readFileSync(file, "latin1");
    expect(content).not.toContain(program.given?.access_token);
    expect(content).not.toContain(program.given?.refresh_token);
  }
});

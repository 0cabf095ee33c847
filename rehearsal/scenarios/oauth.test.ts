/** A program that speaks OAuth only is let in by the person at the browser, and is out when they take it back. */
import { auth } from "@modelcontextprotocol/client";
import { beforeAll, describe, expect, it } from "vitest";
import { Browser } from "../../tests/hub-server/oauth/browser.ts";
import { Program } from "../../tests/hub-server/oauth/program.ts";
import { ask, beUp, httpsFetch, hubOk, type Outputs, onHost, outputs, signIn } from "./hub.ts";
import { connectMcp } from "./mcp-client.ts";

let to: Outputs;
let browser: Browser;
const program = new Program({ client_name: "Rehearsed Program" });

beforeAll(async () => {
  await beUp();
  to = await outputs();
  browser = new Browser(httpsFetch(to), to.url);
});

const page = { headers: { Accept: "text/html" } };

async function listProjects(token: string): Promise<string> {
  const client = await connectMcp(to, token);
  const result = await client.callTool({ name: "list_projects", arguments: {} });
  await client.close();
  return JSON.stringify(result);
}

const refresh = () =>
  ask(to, "/oauth/token", {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: program.given?.refresh_token ?? "",
      client_id: program.information?.client_id ?? "",
    }).toString(),
  });

describe("a program without a token", () => {
  it("finds out by itself where to go, and registers", async () => {
    const { status, headers } = await ask(to, "/mcp", { method: "POST", body: "{}" });
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toContain(
      `resource_metadata="${to.url}/.well-known/oauth-protected-resource/mcp"`,
    );
    expect(await auth(program, { serverUrl: to.mcpUrl, fetchFn: httpsFetch(to) })).toBe("REDIRECT");
    expect(program.wanted?.href.startsWith(`${to.url}/oauth/authorize?`)).toBe(true);
  });

  it("has its person sign in to the chat first", async () => {
    const first = await browser.ask(program.wanted ?? "");
    const interaction = first.headers.get("location") ?? "";
    expect(interaction).toMatch(/^\/oauth\/interaction\//);
    const stranger = await browser.ask(interaction, page);
    expect(stranger.status).toBe(302);
    expect(stranger.headers.get("location")).toBe(
      `/auth?redirect=${encodeURIComponent(interaction)}`,
    );

    // A name that a stranger writes is not believed.
    const forged = await browser.ask(interaction, {
      headers: { ...page.headers, "X-Hub-Id": "1", "X-Hub-User": "a@b.c", "X-Hub-Role": "admin" },
    });
    expect(forged.status).toBe(302);

    const session = await signIn(to);
    browser.cookies.set("token", { value: session.token, path: "/" });
    const consent = await browser.ask(interaction, page);
    expect(consent.status).toBe(200);
    for (const shown of ["Rehearsed Program", to.adminEmail, "127.0.0.1"])
      expect(consent.body).toContain(shown);
    expect(consent.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect((await browser.send(consent, {}, { Origin: "https://elsewhere.example" })).status).toBe(
      403,
    );
    expect((await browser.send(consent, { csrf: "x" })).status).toBe(403);

    const back = await browser.goBack(await browser.send(consent));
    expect(`${back.origin}${back.pathname}`).toBe(program.redirectUrl);
    const ended = await auth(program, {
      serverUrl: to.mcpUrl,
      fetchFn: httpsFetch(to),
      authorizationCode: back.searchParams.get("code") ?? "",
      iss: back.searchParams.get("iss") ?? "",
    });
    expect(ended).toBe("AUTHORIZED");
  });
});

describe("a program that was let in", () => {
  it("calls tools, and gets new tokens in place of the old", async () => {
    const before = program.given?.access_token ?? "";
    expect(await listProjects(before)).not.toContain('"isError":true');
    const answer = await refresh();
    expect(answer.status).toBe(200);
    program.given = JSON.parse(answer.body);
    await expect(listProjects(before)).rejects.toThrow();
    expect(await listProjects(program.given?.access_token ?? "")).not.toContain('"isError":true');
  });

  it("is named on the host, whose files hold no secret of it", async () => {
    const state = await onHost(
      "cat /data/mcp-server/tokens.json; cat /data/hub/server/oauth.db* | tr -cd '[:print:]'; echo; stat -c %a /data/hub/server/oauth.db",
    );
    expect(state).toContain("oauth-rehearsed-program-");
    expect(state).toContain(to.adminEmail);
    expect(state.trim().endsWith("600")).toBe(true);
    expect(state).not.toContain(program.given?.access_token);
    expect(state).not.toContain(program.given?.refresh_token);
    const logs = await onHost(
      "docker logs aihub-hub-server-1 2>&1; docker logs aihub-nginx-1 2>&1",
    );
    expect(logs).not.toContain(program.given?.refresh_token);
    expect(logs).not.toContain("code=");
  });

  it("is out for good when its token is revoked by name", async () => {
    const { tokens } = JSON.parse(await onHost("cat /data/mcp-server/tokens.json")) as {
      tokens: { name: string; client?: string }[];
    };
    const name = tokens.findLast(({ client }) => client === "Rehearsed Program")?.name ?? "";
    await hubOk(["token", "revoke", name]);
    await expect(listProjects(program.given?.access_token ?? "")).rejects.toThrow();
    const answer = await refresh();
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("invalid_grant");
  });
});

describe("the front door", () => {
  it("has nothing else below these paths", async () => {
    for (const path of [
      "/oauth/authorize/a/b",
      "/oauth/register/x",
      "/oauth/interaction/",
      "/oauth/interaction/a/b",
      "/.well-known/oauth-authorization-server/mcp",
      "/.well-known/oauth-protected-resource/files",
      "/.well-known/openid-credential-issuer",
    ])
      expect((await ask(to, path)).status, path).toBe(404);
  });
  it("takes no large body, and no flood", async () => {
    const register = (body: string) =>
      ask(to, "/oauth/register", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
      });
    expect((await register(`"${"x".repeat(70_000)}"`)).status).toBe(413);
    const many = await Promise.all(Array.from({ length: 20 }, () => register("[]")));
    const statuses = new Set(many.map(({ status }) => status));
    expect(statuses).toContain(429);
  });
});

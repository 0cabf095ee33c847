/** The same tools for clients that speak OpenAPI. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createToken, TokenStore } from "../src/access/tokens.ts";
import {
  type FakeServing,
  fakeTools,
  type Sent,
  secret,
  send,
  serveFakes,
  signals,
} from "./fake-tools.ts";

let serving: FakeServing;
let limited: string;
beforeAll(async () => {
  const file = join(mkdtempSync(join(tmpdir(), "aihub-mcp-")), "tokens.json");
  limited = createToken(file, { name: "limited", scopes: ["read"], projects: ["blog"] });
  serving = await serveFakes({ tokens: new TokenStore(file, { secret }) });
});
afterAll(() => serving.stop());

async function post(name: string, body: unknown, sent: Sent = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answered = await send(serving.port, { path: `/tools/${name}`, body: text, ...sent });
  return { status: answered.status, body: JSON.parse(answered.body) };
}
const as = (token: string): Sent => ({ headers: { Authorization: `Bearer ${token}` } });

describe("POST /tools/<name>", () => {
  it("answers with the result and its text", async () => {
    expect(await post("read", { project: "blog", path: "ü" })).toEqual({
      status: 200,
      body: { result: { total_lines: 64, echo: "ü" }, text: "ü" },
    });
    expect(await post("write", { project: "blog", content: "x" })).toEqual({
      status: 200,
      body: { result: { written: 1 }, text: '{"written":1}' },
    });
    expect((await post("step", "")).status).toBe(200);
  });
  it.each<[number, string, unknown, Sent?]>([
    [400, "read", "{"],
    [400, "read", { project: 1 }],
    [400, "read", []],
    [401, "read", {}, as("another")],
    [403, "write", { project: "blog", content: "" }, { ...as("LIMITED") }],
    [403, "read", { project: "shop" }, { ...as("LIMITED") }],
    [404, "nope", {}],
    [404, "read/x", {}],
    [422, "read", { project: "blog", path: "missing" }],
    [500, "read", { project: "blog", path: "broken" }],
  ])("answers %i to %s %j", async (status, name, body, sent) => {
    const headers = sent?.headers?.Authorization === "Bearer LIMITED" ? as(limited) : sent;
    const answered = await post(name, body, headers);
    expect(answered.status).toBe(status);
    expect(answered.body.error).toEqual(expect.stringMatching(/\w+/));
  });
  it("is not to be used by another method, or from a page of another origin", async () => {
    expect((await send(serving.port, { path: "/tools/read", method: "GET" })).status).toBe(405);
    const headers = { Origin: "https://evil.example" };
    expect((await send(serving.port, { path: "/tools/read", body: "{}", headers })).status).toBe(
      403,
    );
  });
  it("keeps the labels and the trace of the headers", async () => {
    await post(
      "read",
      { project: "blog" },
      {
        headers: {
          "X-OpenWebUI-User-Name": "J%C3%BCrgen",
          "X-OpenWebUI-Chat-Id": "c1",
          traceparent: "00-1",
        },
      },
    );
    expect(serving.deps.audit.entries.at(-1)).toMatchObject({
      user: "Jürgen",
      chat: "c1",
      traceparent: "00-1",
    });
  });
  it("that cannot be answered is cut, and the server lives on", async () => {
    const { audit } = serving.deps;
    const record = audit.record.bind(audit);
    audit.record = () => {
      throw new Error("a defect");
    };
    for (const name of ["read", "write"]) {
      const sent = post(name, { project: "blog", content: "x", path: undefined });
      await expect(sent, name).rejects.toThrow(/hang up|ECONNRESET/);
    }
    audit.record = record;
    expect((await post("read", { project: "blog" })).status).toBe(200);
  });
  it("is cancelled when its client goes away", async () => {
    signals.length = 0;
    const abort = new AbortController();
    const gone = fetch(`http://127.0.0.1:${serving.port}/tools/wait`, {
      method: "POST",
      body: "{}",
      signal: abort.signal,
      headers: { Authorization: `Bearer ${secret}` },
    });
    await expect.poll(() => signals.length).toBe(1);
    abort.abort();
    await expect(gone).rejects.toThrow();
    await expect.poll(() => signals[0]?.aborted).toBe(true);
  });
});

describe("/openapi.json", () => {
  it("describes each tool that the token may use, by the schemas of tools/list", async () => {
    const document = JSON.parse(
      (await send(serving.port, { path: "/openapi.json", method: "GET" })).body,
    );
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual(fakeTools.map(({ name }) => `/tools/${name}`));
    const { post } = document.paths["/tools/read"];
    expect(post.operationId).toBe("read");
    expect(post.requestBody.content["application/json"].schema.properties.offset).toEqual({
      type: "integer",
      minimum: 1,
    });
    const answers = ["200", "400", "401", "403", "413", "422", "429"];
    expect(Object.keys(post.responses)).toEqual(answers);
    const mine = JSON.parse(
      (await send(serving.port, { path: "/openapi.json", method: "GET", ...as(limited) })).body,
    );
    expect(Object.keys(mine.paths)).toEqual(["/tools/read", "/tools/wait"]);
  });
  it("is not for everybody", async () => {
    const sent = { path: "/openapi.json", method: "GET", ...as("another") };
    expect((await send(serving.port, sent)).status).toBe(401);
  });
});

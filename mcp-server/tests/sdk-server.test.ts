import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TokenStore } from "../src/access/tokens.ts";
import { type Listener, listen } from "../src/http/listener.ts";
import { createSdkServer, serverIdentity } from "../src/protocol/sdk-server.ts";
import { fakeDeps, fakeTools, modernMeta, secret, send, signals } from "./fake-tools.ts";

const deps = fakeDeps();
let listener: Listener;

beforeAll(async () => {
  listener = await listen(
    {
      deps,
      tokens: new TokenStore(undefined, { secret }),
      identity: serverIdentity,
      factory: (caller, era) => createSdkServer(deps, caller, era),
    },
    { host: "127.0.0.1", port: 0 },
  );
});
afterAll(() => listener.close(500));

async function connect(era: "modern" | "legacy"): Promise<Client> {
  const client = new Client(
    { name: "tests", version: "1" },
    { versionNegotiation: { mode: era === "modern" ? { pin: "2026-07-28" } : "legacy" } },
  );
  const requestInit = { headers: { Authorization: `Bearer ${secret}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(listener.url), { requestInit }));
  return client;
}

async function raw(method: string, params: object = {}) {
  const { body } = await send(listener.port, {
    headers: {
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...("name" in params && { "Mcp-Name": String(params.name) }),
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method,
      params: { ...params, _meta: modernMeta },
    }),
  });
  return JSON.parse(body).result;
}

it("says at server/discover what it is and only what it can", async () => {
  const result = await raw("server/discover");
  expect(result.capabilities).toEqual({
    tools: {},
    resources: { subscribe: true, listChanged: true },
    prompts: {},
    completions: {},
  });
  expect(result.supportedVersions).toContain("2026-07-28");
  expect(result.instructions).toContain("`edit_code`");
  expect(result.instructions.length).toBeLessThan(700);
  expect(JSON.stringify(result)).toContain(serverIdentity.title);
});

it.each(["server/discover", "tools/list", "prompts/list", "resources/templates/list"])(
  "tells how long the answer to %s may be kept, by the client alone",
  async (method) => {
    const { ttlMs, cacheScope } = await raw(method);
    expect(cacheScope).toBe("private");
    expect(ttlMs).toBe(300_000);
  },
);

it("lists the tools in the same order each time", async () => {
  const [first, second] = [await raw("tools/list"), await raw("tools/list")];
  expect(first.tools.map(({ name }: { name: string }) => name)).toEqual(
    fakeTools.map(({ name }) => name),
  );
  expect(second).toEqual(first);
});

describe.each(["modern", "legacy"] as const)("a %s client", (era) => {
  it("hears of progress when it asked for it", async () => {
    const client = await connect(era);
    const heard: unknown[] = [];
    const { isError } = await client.callTool(
      { name: "step", arguments: {} },
      { onprogress: (progress) => heard.push(progress) },
    );
    expect(isError).toBeFalsy();
    expect(heard).toEqual([{ progress: 1, total: 2, message: "half" }]);
    await client.close();
  });

  it("cancels a call by going away", async () => {
    const client = await connect(era);
    signals.length = 0;
    const going = new AbortController();
    const call = client.callTool(
      { name: "wait", arguments: {} },
      { signal: going.signal, onprogress: () => going.abort() },
    );
    await expect(call).rejects.toThrow();
    if (era === "legacy") await client.close();
    await expect.poll(() => signals[0]?.aborted).toBe(true);
    await client.close();
  });

  it("is told that a tool does not exist", async () => {
    const client = await connect(era);
    await expect(client.callTool({ name: "nothing" })).rejects.toMatchObject({ code: -32602 });
    await client.close();
  });
});

it("logs a resource that was read as it logs a call", async () => {
  deps.audit.entries.length = 0;
  const client = await connect("modern");
  await expect(client.readResource({ uri: "workspace://.aihub/x" })).rejects.toThrow();
  expect(deps.audit.entries).toMatchObject([
    { token: "hub", tool: "resources/read", outcome: "error", out: 0 },
  ]);
  await client.close();
});

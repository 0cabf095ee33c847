/** The fast path answers exactly as the SDK's path does: the same requests to a server with and one without it. */
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Answered,
  type FakeServing,
  legacyCall,
  modernCall,
  modernMeta,
  type Sent,
  send,
  serveFakes,
  signals,
} from "./fake-tools.ts";

let fast: FakeServing;
let plain: FakeServing;
beforeAll(async () => {
  fast = await serveFakes();
  plain = await serveFakes({ fastPath: false });
});
afterAll(() => Promise.all([fast.stop(), plain.stop()]));

/** What a client acts on; framing and dates are left out. */
function telling({ status, headers, body }: Answered): object {
  const kept = ["content-type", "allow", "www-authenticate", "mcp-session-id", "retry-after"];
  return { status, headers: Object.fromEntries(kept.map((name) => [name, headers[name]])), body };
}

function logged(serving: FakeServing): object | undefined {
  const entry = serving.deps.audit.entries.pop();
  return entry && { ...entry, ms: undefined };
}

async function compare(sent: Sent): Promise<Answered> {
  const [with_, without] = await Promise.all([send(fast.port, sent), send(plain.port, sent)]);
  expect(telling(with_)).toEqual(telling(without));
  expect(logged(fast)).toEqual(logged(plain));
  return with_;
}

/** Whether the request went the short way: it alone gives the length. */
const tookIt = (answered: Answered) =>
  answered.headers["content-length"] !== undefined && answered.status === 200;

function changed(sent: Sent, change: (body: { params: object; id?: unknown }) => unknown): Sent {
  const body = JSON.parse(sent.body as string);
  return { ...sent, body: JSON.stringify(change(body) ?? body) };
}
const withHeaders = (sent: Sent, headers: Record<string, string>): Sent => ({
  ...sent,
  headers: { ...sent.headers, ...headers },
});
const without = (sent: Sent, name: string): Sent => {
  const { [name]: _, ...headers } = sent.headers ?? {};
  return { ...sent, headers };
};

const read = { project: "blog", path: "a.ts" };
describe.each([
  ["2026-07-28", modernCall],
  ["2025-11-25", legacyCall],
] as const)("a call of %s", (era, call) => {
  it.each<[string, Sent]>([
    ["that works", call("read", read)],
    ["of 4 KiB", call("read", { project: "blog", path: "4k" })],
    ["that a tool refuses", call("read", { project: "blog", path: "missing" })],
    ["that a defect ends", call("read", { project: "blog", path: "broken" })],
    ["that takes a moment", call("write", { project: "blog", content: "äöü😀\u2028" })],
    ["with a wrong argument", call("read", { project: "blog", offset: "12" })],
    ["with an unknown argument", call("read", { ...read, colour: "red" })],
    ["with no argument", call("read", {})],
    ["with labels and a trace", call("read", read, { "io.aihub/chat": "c", traceparent: "00-1" })],
    ["with an empty answer", call("step", {})],
    [
      "without arguments",
      changed(call("step", {}), (body) => ({
        ...body,
        params: { ...body.params, arguments: undefined },
      })),
    ],
    [
      "with an id that is a string",
      changed(call("read", read), (body) => ({ ...body, id: "ü\n" })),
    ],
    ["with id 0", changed(call("read", read), (body) => ({ ...body, id: 0 }))],
    ["from another user", withHeaders(call("read", read), { "X-OpenWebUI-User-Email": "a@b.c" })],
    [
      "with a charset",
      withHeaders(call("read", read), { "Content-Type": "application/json; charset=utf-8" }),
    ],
  ])("%s takes the fast path and is answered the same", async (_what, sent) => {
    expect(tookIt(await compare(sent))).toBe(true);
  });

  it.each<[string, Sent]>([
    ["of an unknown tool", call("nope", {})],
    ["of a tool called by no name", call("", {})],
    ["with a progress token", call("step", {}, { progressToken: 1 })],
    ["with an unknown key in _meta", call("read", read, { "com.example/x": 1 })],
    ["with a label that is no text", call("read", read, { "io.aihub/user": 5 })],
    ["with a log level", call("read", read, { "io.modelcontextprotocol/logLevel": "info" })],
    ["with an id of null", changed(call("read", read), (body) => ({ ...body, id: null }))],
    [
      "with an id that is a fraction",
      changed(call("read", read), (body) => ({ ...body, id: 1.5 })),
    ],
    ["with a huge id", changed(call("read", read), (body) => ({ ...body, id: 1e300 }))],
    ["without an id", changed(call("read", read), ({ id: _, ...body }) => body)],
    ["of another JSON-RPC", changed(call("read", read), (body) => ({ ...body, jsonrpc: "1.0" }))],
    ["with another member", changed(call("read", read), (body) => ({ ...body, extra: 1 }))],
    ["in a batch", changed(call("read", read), (body) => [body])],
    ["in an empty batch", changed(call("read", read), () => [])],
    [
      "with arguments in a list",
      changed(call("read", read), (body) => ({ ...body, params: { name: "read", arguments: [] } })),
    ],
    [
      "with arguments of null",
      changed(call("read", read), (body) => ({
        ...body,
        params: { ...body.params, arguments: null },
      })),
    ],
    ["with params of null", changed(call("read", read), (body) => ({ ...body, params: null }))],
    [
      "with another param",
      changed(call("read", read), (body) => ({
        ...body,
        params: { ...body.params, inputResponses: {} },
      })),
    ],
    [
      "with a name that is a number",
      changed(call("read", read), (body) => ({
        ...body,
        params: { ...body.params, name: 1 },
      })),
    ],
    [
      "with a __proto__ among its arguments",
      {
        ...call("read", read),
        body: (call("read", read).body as string).replace(
          '"project"',
          '"__proto__":{"a":1},"project"',
        ),
      },
    ],
    [
      "with another content type",
      withHeaders(call("read", read), { "Content-Type": "text/plain" }),
    ],
    [
      "of an unknown revision in the header",
      withHeaders(call("read", read), { "MCP-Protocol-Version": "2031-01-01" }),
    ],
    [
      "of an old revision nobody speaks",
      withHeaders(call("read", read), { "MCP-Protocol-Version": "1999-01-01" }),
    ],
  ])("%s is left to the SDK", async (_what, sent) => {
    await compare(sent);
  });

  it("that is no JSON, or none in UTF-8, is refused the same", async () => {
    for (const body of [
      "",
      "{",
      "null",
      "1",
      '"tools/call"',
      "\u0000",
      Buffer.from([0x7b, 0xff, 0x7d]),
    ]) {
      const answered = await compare({ ...call("read", read), body });
      expect(answered.status).toBe(400);
    }
  });

  it("that is nested too deeply to be walked through is answered the same", async () => {
    const deep = `${'{"a":['.repeat(50_000)}${"]}".repeat(50_000)}`;
    const base = call("read", { ...read, x: "DEEP" });
    await compare({ ...base, body: (base.body as string).replace('"DEEP"', deep) });
    const { body } = call("read", read, { traceparent: "DEEP" });
    await compare({ ...base, body: (body as string).replace('"DEEP"', deep) });
    if (era === "2026-07-28") {
      await compare({ ...base, body: (body as string).replace("{}", deep) });
      await compare({ ...base, body: (body as string).replace('"version":"1"', `"x":${deep}`) });
    }
  });

  it("with an Accept header of less is answered the same", async () => {
    for (const Accept of ["application/json", "text/event-stream", "*/*", ""]) {
      await compare(withHeaders(call("read", read), { Accept }));
    }
  });

  it("with the headers of the other era, or a part of them, is answered the same", async () => {
    const base = call("read", read);
    for (const name of Object.keys(base.headers ?? {})) await compare(without(base, name));
    for (const [name, value] of [
      ["MCP-Protocol-Version", era === "2026-07-28" ? "2025-11-25" : "2026-07-28"],
      ["MCP-Protocol-Version", " 2026-07-28\t"],
      ["Mcp-Method", "tools/list"],
      ["Mcp-Method", " tools/call "],
      ["Mcp-Method", "TOOLS/CALL"],
      ["Mcp-Name", "write"],
      ["Mcp-Name", "=?base64?cmVhZA==?="],
      ["Mcp-Name", "=?base64?!?="],
      ["Mcp-Session-Id", "abc"],
      ["Mcp-Param-Path", "a.ts"],
    ] as const) {
      await compare(withHeaders(base, { [name]: value }));
    }
  });

  it("with any arguments, labels and ids is answered the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("read", "write", "step"),
        fc.oneof(
          fc.record({
            project: fc.string(),
            path: fc.string({ unit: "binary" }),
          }),
          fc.record({ project: fc.string(), content: fc.string({ unit: "binary" }) }),
          fc.dictionary(fc.string(), fc.jsonValue()),
        ),
        fc.dictionary(
          fc.constantFrom(
            "traceparent",
            "baggage",
            "io.aihub/user",
            "io.aihub/chat",
            "x/y",
            "progressToken",
          ),
          fc.oneof({ weight: 4, arbitrary: fc.string() }, { weight: 1, arbitrary: fc.jsonValue() }),
        ),
        fc.oneof(fc.string(), fc.integer(), fc.jsonValue()),
        async (name, args, meta, id) => {
          await compare(changed(call(name, args, meta), (body) => ({ ...body, id })));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("the envelope of 2026-07-28", () => {
  const meta = (change: object) =>
    changed(modernCall("read", read), (body) => ({
      ...body,
      params: { name: "read", arguments: read, _meta: { ...modernMeta, ...change } },
    }));
  it.each<[string, object]>([
    ["without capabilities", { "io.modelcontextprotocol/clientCapabilities": undefined }],
    ["with capabilities of text", { "io.modelcontextprotocol/clientCapabilities": "x" }],
    ["with capabilities of null", { "io.modelcontextprotocol/clientCapabilities": null }],
    ["with odd capabilities", { "io.modelcontextprotocol/clientCapabilities": { roots: 1 } }],
    [
      "with many capabilities",
      {
        "io.modelcontextprotocol/clientCapabilities": {
          roots: {},
          elicitation: { form: {} },
          own: { x: 1 },
        },
      },
    ],
    ["without client info", { "io.modelcontextprotocol/clientInfo": undefined }],
    ["with client info of text", { "io.modelcontextprotocol/clientInfo": "x" }],
    ["with half a client info", { "io.modelcontextprotocol/clientInfo": { name: "x" } }],
    ["of another revision", { "io.modelcontextprotocol/protocolVersion": "2031-01-01" }],
    ["of an old revision", { "io.modelcontextprotocol/protocolVersion": "2025-11-25" }],
    ["of no revision", { "io.modelcontextprotocol/protocolVersion": 1 }],
    ["with a trace that is no text", { traceparent: 1 }],
    ["with an odd trace", { traceparent: "\u0000", tracestate: "", baggage: "=,=" }],
  ])("%s is answered the same, twice", async (_what, change) => {
    await compare(meta(change));
    await compare(meta(change));
  });
  it("in any shape is answered the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(modernMeta)),
        fc.oneof(fc.jsonValue(), fc.record({ name: fc.string(), version: fc.jsonValue() })),
        async (key, value) => {
          await compare(meta({ [key]: value }));
        },
      ),
      { numRuns: 100 },
    );
  });
});

it("takes the fast path for old clients without a version header", async () => {
  expect(tookIt(await compare(without(legacyCall("read", read), "MCP-Protocol-Version")))).toBe(
    true,
  );
});

it.each([
  ["with", () => fast],
  ["without", () => plain],
])("%s it, a client that goes away cancels its call", async (_which, serving) => {
  signals.length = 0;
  for (const sent of [modernCall("wait", {}), legacyCall("wait", {})]) {
    serving().deps.audit.entries.length = 0;
    const abort = new AbortController();
    const gone = fetch(serving().url, {
      method: "POST",
      signal: abort.signal,
      body: sent.body as string,
      headers: {
        Authorization: "Bearer a-token-for-tests-only-0123456789",
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        ...sent.headers,
      },
    });
    await expect.poll(() => signals.length).toBeGreaterThan(0);
    const signal = signals.pop() as AbortSignal;
    expect(signal.aborted).toBe(false);
    abort.abort();
    await expect(gone).rejects.toThrow();
    await expect.poll(() => signal.aborted).toBe(true);
    await expect
      .poll(() => serving().deps.audit.entries.map((entry) => entry.outcome))
      .toEqual(["cancelled"]);
  }
});

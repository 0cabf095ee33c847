/** The one way a tool is called. */
import type { CallToolResult } from "@modelcontextprotocol/server";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { AuditEntry } from "../src/access/audit.ts";
import type { Caller } from "../src/access/caller.ts";
import { callTool } from "../src/protocol/call-tool.ts";
import type { Tool } from "../src/tools/tool.ts";
import { caller, fakeDeps, fakeTools } from "./fake-tools.ts";

let deps = fakeDeps();
beforeEach(() => {
  deps = fakeDeps();
});
const everything = caller(["read", "write", "delete", "self-modify"]);
const { signal } = new AbortController();

async function call(
  name: string,
  args: unknown,
  by: Caller = everything,
  meta?: Record<string, unknown>,
): Promise<CallToolResult> {
  return callTool(deps, name, args, { caller: by, signal, ...(meta && { meta }) });
}
async function problem(name: string, args: unknown, by?: Caller): Promise<string> {
  const result = await call(name, args, by);
  expect(result.isError).toBe(true);
  return result.content.map((block) => (block.type === "text" ? block.text : "")).join();
}
const last = () => deps.audit.entries.at(-1);

it("answers at once when the tool does", () => {
  const result = callTool(
    deps,
    "read",
    { project: "blog", path: "a" },
    { caller: everything, signal },
  );
  expect(result).toEqual({
    content: [{ type: "text", text: "a" }],
    structuredContent: { total_lines: 64, echo: "a" },
  });
});

it("shows the structured answer as text when the tool has no text of its own", async () => {
  expect(await call("write", { project: "blog", content: "abc" })).toEqual({
    content: [{ type: "text", text: '{"written":3}' }],
    structuredContent: { written: 3 },
  });
});

it("throws for a tool that does not exist, and names those that do", () => {
  expect(() => callTool(deps, "raed", {}, { caller: everything, signal })).toThrow(
    'Unknown tool "raed"; known: read, write, wait, step.',
  );
});

it("says what a tool and what a defect of the server says, the latter without its details", async () => {
  expect(await problem("read", { project: "blog", path: "missing" })).toBe(
    '"missing" does not exist.',
  );
  expect(last()).toMatchObject({ outcome: "error" });
  expect(await problem("read", { project: "blog", path: "broken" })).toBe(
    'read failed on "blog/broken" by a defect of the server; its log has the details.',
  );
  expect(last()).toMatchObject({ outcome: "defect" });
});

it("ends when it is cancelled", async () => {
  const abort = new AbortController();
  const running = callTool(deps, "wait", {}, { caller: everything, signal: abort.signal });
  abort.abort();
  expect((await running).content).toEqual([
    { type: "text", text: "wait was cancelled before it was done." },
  ]);
  expect(last()).toMatchObject({ outcome: "cancelled" });
});

it("is cancelled, not broken, also where the reason is no AbortError", async () => {
  const abort = new AbortController();
  const [wait] = fakeTools.filter(({ name }) => name === "wait") as [Tool];
  const rejecting: Tool = {
    ...wait,
    run: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  deps = fakeDeps([rejecting]);
  const running = callTool(deps, "wait", {}, { caller: everything, signal: abort.signal });
  abort.abort(new Error("Connection closed"));
  expect((await running).content).toEqual([
    { type: "text", text: "wait was cancelled before it was done." },
  ]);
  expect(last()).toMatchObject({ outcome: "cancelled" });
});

describe("wrong arguments are told by place, what is wanted and what came", () => {
  it.each<[object | string | null, string]>([
    [{}, "project: missing, string expected"],
    [{ project: 1 }, "project: expected string, got 1"],
    [{ project: "a", offset: 0 }, "offset: Too small: expected number to be >=1, got 0"],
    [{ project: "a", offset: "12" }, 'offset: expected number, got "12"'],
    [{ project: "a", offset: [1] }, "offset: expected number, got a list of 1"],
    [{ project: "a", paht: "b" }, 'there is no argument "paht"; it takes: project, path, offset'],
    ["text", 'the arguments: expected object, got "text"'],
  ])("%j: %s", async (args, message) => {
    expect(await problem("read", args)).toBe(`read cannot be called like this: ${message}.`);
    expect(last()).toMatchObject({ outcome: "invalid", tool: "read" });
  });
  it("also inside of lists", async () => {
    const args = {
      project: "a",
      content: "x",
      kind: "c",
      places: [{ project: "a" }, { project: {}, x: 1 }],
    };
    expect(await problem("write", args)).toBe(
      'write cannot be called like this: kind: expected one of "a"|"b", got "c"; places[1].project: expected string, got object; there is no argument "x" in places[1].',
    );
  });
  it("the first few of many that there are not, each cut", async () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`wrong${n}`, 0]));
    const text = await problem("read", { project: "a", ["x".repeat(5000)]: 0, ...many });
    expect(text).toContain(`"${"x".repeat(40)}...", "wrong0", "wrong1", "wrong2", "wrong3" and 96`);
    expect(text.length).toBeLessThan(300);
  });
  it("without checking each of too many", async () => {
    let checked = 0;
    const item = z.string().refine(() => ++checked > 0);
    const [read] = fakeTools as [Tool];
    const path = z.string().default("a");
    const input = z.strictObject({ project: z.string(), path, list: z.array(item).max(100) });
    deps = fakeDeps([{ ...read, input }]);
    const list = (length: number) => ({ project: "a", list: Array(length).fill("x") });
    expect(await problem("read", list(3000))).toBe(
      "read cannot be called like this: the arguments hold more than 2000 values, and list is a list of 3000. Make several calls with fewer each.",
    );
    expect(last()).toMatchObject({ outcome: "invalid", project: "a" });
    const keys = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`k${n}`, 0]));
    for (const args of [keys, { project: "a", list: [keys] }, Array(3000).fill(0)])
      expect(await problem("read", args)).toMatch(/hold more than 2000 values\. Make/);
    expect(checked).toBe(0);
    expect(await problem("read", list(101))).toMatch(/list: Too big.*got a list of 101/);
    expect((await call("read", list(100))).isError).toBeUndefined();
  });
  it("without repeating what is long", async () => {
    const text = await problem("write", { project: "a", content: "x", kind: "y".repeat(5000) });
    expect(text).toContain("got a string of 5000 characters");
    expect(text.length).toBeLessThan(200);
  });
});

describe("a token", () => {
  it("does what its scopes allow and nothing else", async () => {
    const reader = caller(["read"]);
    expect((await call("read", { project: "blog" }, reader)).isError).toBeUndefined();
    expect(await problem("write", { project: "blog", content: "" }, reader)).toBe(
      'Token "test" may not write: it has read. write needs a token with the scope "write".',
    );
    expect(last()).toMatchObject({ outcome: "denied", tool: "write", project: "blog" });
  });
  it("reaches its projects and no other, wherever they are named", async () => {
    const limited = caller(["read", "write"], ["blog", "api"]);
    const write = { project: "blog", content: "x" };
    expect((await call("write", write, limited)).isError).toBeUndefined();
    expect((await call("write", { ...write, to_project: "api" }, limited)).isError).toBeUndefined();
    for (const args of [
      { ...write, project: "shop" },
      { ...write, to_project: "shop" },
      { ...write, places: [{ project: "blog" }, { project: "shop" }] },
    ]) {
      expect(await problem("write", args, limited)).toBe(
        'Token "test" does not reach project "shop"; it reaches: blog, api.',
      );
      expect(last()).toMatchObject({ outcome: "denied" });
    }
    for (const project of ["Blog", "blog ", "blog/", "./blog", "constructor"]) {
      await problem("write", { ...write, project }, limited);
    }
    expect(await problem("read", { project: "." }, limited)).toMatch(/root.*blog, api/);
  });
});

describe("the log", () => {
  it("has who, what, where, how it ended and how much, and no contents", async () => {
    await call(
      "write",
      { project: "blog", content: "geheim ü", to_project: "api" },
      { ...everything, user: "ada@example.org", chat: "c1" },
    );
    expect(last()).toMatchObject({
      token: "test",
      user: "ada@example.org",
      chat: "c1",
      tool: "write",
      project: "blog",
      to_project: "api",
      outcome: "ok",
      in: 4 + 9 + 3,
      out: 13,
    });
    expect(last()?.ms).toBeGreaterThan(0);
    expect(JSON.stringify(last())).not.toContain("geheim");
  });
  it("has what is named otherwise than by project and path", async () => {
    const input = z.looseObject({});
    const [read] = fakeTools as [Tool];
    deps = fakeDeps([{ ...read, input, run: () => ({ structured: {} }) }]);
    const logged = async (args: object) => {
      await call("read", { project: "blog", ...args }, { ...everything, chat: "mine" });
      const { project: _, ...entry } = last() as AuditEntry;
      return entry;
    };
    expect(await logged({ from: "a", to: "b" })).toMatchObject({ path: "a", to_path: "b" });
    expect(await logged({ path: "a", from: "1", to: "2" })).not.toHaveProperty("to_path");
    expect(await logged({ change: "7" })).toMatchObject({ change: "7" });
    expect(await logged({ chat: "c1" })).toMatchObject({ of_chat: "c1", chat: "mine" });
    expect(await logged({ paths: ["a", "b"] })).toMatchObject({ paths: ["a", "b"] });
    const long = (await logged({ paths: Array(100).fill("x".repeat(500)) })).paths ?? [];
    expect(long).toHaveLength(11);
    expect(long.at(-1)).toBe("and 90 more");
  });
  it("has calls of tools that there are not", () => {
    const meta = { "io.aihub/user": "ada" };
    const name = "x".repeat(500);
    expect(() => callTool(deps, name, {}, { caller: everything, signal, meta })).toThrow();
    expect(last()).toEqual({
      token: "test",
      user: "ada",
      tool: "x".repeat(400),
      outcome: "invalid",
    });
  });
  it("has the labels and the trace of _meta, cleaned and cut", async () => {
    await call("read", { project: "blog" }, everything, {
      "io.aihub/user": ` a\u0000\u2028b${"c".repeat(500)}`,
      "io.aihub/chat": 5,
      "io.aihub/message": "\ud800m",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect(last()).toMatchObject({
      message: "\ufffdm",
      traceparent: expect.stringMatching(/^00-0af7/),
    });
    expect(last()?.user).toMatch(/^abc+$/);
    expect(last()?.user?.length).toBeLessThanOrEqual(200);
    expect(last()).not.toHaveProperty("chat");
  });
  it("does not let _meta overrule what the connection says", async () => {
    await call(
      "read",
      { project: "blog" },
      { ...everything, user: "ada" },
      { "io.aihub/user": "eve", "io.aihub/chat": "c" },
    );
    expect(last()).toMatchObject({ user: "ada", chat: "c" });
  });
});

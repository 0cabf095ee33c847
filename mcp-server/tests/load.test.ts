/** Large files, large trees and endless expressions of one caller do not keep the others waiting. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ProtocolServing, serveProtocol } from "./protocol-serving.ts";

let serving: ProtocolServing;
let client: Client;
let other: Client;

beforeAll(async () => {
  serving = await serveProtocol();
  [client, other] = await Promise.all([serving.connect(), serving.connect()]);
  serving.put("blog/small.txt", "small\n");
  serving.put("blog/large.txt", Buffer.alloc(30 * 1024 * 1024, `${"x".repeat(99)}\n`));
  serving.put("blog/line.txt", Buffer.alloc(10_000_000, "y"));
  serving.put("blog/trap.txt", `${"a".repeat(60)}!\n`);
  for (let folder = 0; folder < 200; folder++) {
    const place = join(serving.workspace, "tree", `d${folder}`);
    mkdirSync(place, { recursive: true });
    for (let file = 0; file < 100; file++) writeFileSync(join(place, `f${file}.txt`), "text\n");
  }
}, 300_000);
afterAll(() => serving.stop());

async function call(by: Client, name: string, args: Record<string, unknown>) {
  const { content } = await by.callTool({ name, arguments: { project: "blog", ...args } });
  return JSON.stringify(content);
}

it.each([
  ["a search over a large tree", "search_code", { project: "tree", query: "nowhere" }, "nothing"],
  ["a tree of it", "tree", { project: "tree", limit: 5000 }, "f99.txt"],
  ["a page of a 30 MB file", "read_code", { path: "large.txt", offset: 300_000 }, "300000"],
  ["a line of 10 MB", "read_code", { path: "line.txt" }, "longer than"],
  ["a search in that line", "search_code", { path: "line.txt", query: "yz" }, "nothing"],
  [
    "an expression that never ends",
    "search_code",
    { path: "trap.txt", query: "^(a+)+$", regex: true },
    "nested repetitions",
  ],
])(
  "%s: reads and writes are answered meanwhile",
  async (_what, name, args, said) => {
    let running = true;
    const large = call(client, name, args).finally(() => {
      running = false;
    });
    // The large call is taken up before the others are.
    await new Promise((resolve) => setImmediate(resolve));
    expect(await call(other, "read_code", { path: "small.txt" })).toContain("small");
    await call(other, "write_code", { path: "written.txt", content: name });
    // Whatever is still running then has kept nobody waiting; what is not was quick.
    if (running) expect(await call(other, "read_code", { path: "written.txt" })).toContain(name);
    expect(await large).toContain(said);
  },
  300_000,
);

it("a client that leaves takes its search along", async () => {
  const controller = new AbortController();
  const search = client.callTool(
    {
      name: "search_code",
      arguments: { project: "blog", path: "trap.txt", query: "^(a+)+$", regex: true },
    },
    { signal: controller.signal },
  );
  setTimeout(() => controller.abort(), 200);
  await expect(search).rejects.toThrow();
  // All threads are free again: as many searches as there are threads, and one more, are answered.
  const searches = Array.from({ length: 5 }, () =>
    call(other, "search_code", { path: "small.txt", query: "small" }),
  );
  for (const answer of await Promise.all(searches)) expect(answer).toContain("1:small");
});

/** How often somebody may come. */
import { connect } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { FailedLogins, RateLimit } from "../src/access/rate-limit.ts";
import { secret, send, serveFakes } from "./fake-tools.ts";

it("lets a burst through, then the rate, each key for itself", () => {
  let now = 0;
  const limit = new RateLimit(10, 20, () => now);
  for (let call = 0; call < 20; call++) expect(limit.take("a")).toBe(0);
  expect(limit.take("a")).toBe(1);
  expect(limit.take("b")).toBe(0);
  now += 100;
  expect(limit.take("a")).toBe(0);
  expect(limit.take("a")).toBe(1);
  now += 60_000;
  for (let call = 0; call < 20; call++) expect(limit.take("a")).toBe(0);
  expect(limit.take("a")).toBe(1);
});

it("says how long to wait when it is longer than a second", () => {
  const limit = new RateLimit(0.1, 1, () => 0);
  expect(limit.take("a")).toBe(0);
  expect(limit.take("a")).toBe(10);
});

it("is not slowed down by keys that are made up", () => {
  const limit = new RateLimit(1, 2, () => 0);
  for (const round of [0, 1]) limit.take(`key ${round}`);
  for (let key = 0; key < 100_000; key++) limit.take(`key ${key}`);
  // Forgotten, so that the list of keys has an end.
  for (const round of [0, 1]) expect(limit.take(`key ${round}`)).toBe(0);
});

it("does not forget who keeps coming for keys that are made up", () => {
  const limit = new RateLimit(1, 2, () => 0);
  for (const _ of [1, 2]) limit.take("busy");
  for (let key = 0; key < 100_000; key++) {
    limit.take(`key ${key}`);
    if (key % 1000 === 0) expect(limit.take("busy")).toBe(1);
  }
});

it("lets those who are owed wait longer", () => {
  let now = 0;
  const limit = new RateLimit(10, 20, () => now);
  expect(limit.take("a")).toBe(0);
  limit.owe("a", 99);
  expect(limit.take("a")).toBeGreaterThan(1);
  now += 10_000;
  expect(limit.take("a")).toBe(0);
});

it("stops guessing from an address", () => {
  let now = 0;
  const logins = new FailedLogins(() => now);
  for (let guess = 0; guess < 20; guess++) expect(logins.failed("proxy")).toBe(0);
  expect(logins.failed("proxy")).toBeGreaterThan(0);
  expect(logins.failed("elsewhere")).toBe(0);
  now += 2000;
  expect(logins.failed("proxy")).toBe(0);
});

/** A server whose clock stands still: what a busy machine takes for the calls gives nobody more of them. */
const serveTimeless = (settings: Parameters<typeof serveFakes>[0] = {}) => {
  vi.spyOn(performance, "now").mockReturnValue(performance.now());
  return serveFakes(settings);
};
afterEach(() => {
  vi.restoreAllMocks();
});

const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });

it("answers who calls too fast with 429 and when to come again", async () => {
  const serving = await serveTimeless({ rateLimit: 2 });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => send(serving.port, { body: list })),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(4);
  expect(refused[0]?.headers["retry-after"]).toBe("1");
  expect(JSON.parse(refused[0]?.body ?? "").error.message).toBe(
    'Token "hub" calls too fast. Try again in 1 s.',
  );
  await serving.stop();
});

it("answers who guesses with 429 after some 401, and lets in who has a token", async () => {
  const serving = await serveTimeless();
  const statuses: number[] = [];
  for (let guess = 0; guess < 25; guess++) {
    const headers = { Authorization: `Bearer guess-${guess}` };
    statuses.push((await send(serving.port, { body: list, headers })).status);
  }
  expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
  expect(statuses.at(-1)).toBe(429);
  // Through a proxy all come from one address.
  expect((await send(serving.port, { body: list })).status).toBe(200);
  expect(
    serving.deps.audit.entries.filter(({ outcome }) => outcome === "unauthorized"),
  ).toHaveLength(statuses.filter((status) => status === 401).length);
  await serving.stop();
});

it("counts each call of a batch", async () => {
  const serving = await serveTimeless({ rateLimit: 10 });
  const batch = Array.from({ length: 50 }, (_none, id) => ({
    jsonrpc: "2.0",
    id,
    method: "tools/list",
    params: {},
  }));
  const headers = { Accept: "application/json, text/event-stream" };
  expect((await send(serving.port, { body: JSON.stringify(batch), headers })).status).not.toBe(429);
  expect((await send(serving.port, { body: list, headers })).status).toBe(429);
  await serving.stop();
});

it("counts no more of a batch than is taken of one", async () => {
  const serving = await serveTimeless({ rateLimit: 10 });
  const body = JSON.stringify(Array(100_000).fill(0));
  expect((await send(serving.port, { body })).status).toBe(400);
  const refused = await send(serving.port, { body: list });
  expect(refused.status).toBe(429);
  // 100 at 10 a second, less the 20 at once.
  expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(9);
  await serving.stop();
});

it("reads little of what it refuses, and keeps the connection only if that is all", async () => {
  const serving = await serveTimeless({ rateLimit: 0.4 });
  expect((await send(serving.port, { body: list })).status).toBe(200);
  const refused = (lines: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(serving.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.once("data", (chunk) => {
        resolve(String(chunk));
        socket.destroy();
      });
      const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${secret}`;
      socket.write(`${head}\r\n${lines}\r\n\r\n`);
    });
  expect(await refused("Content-Length: 1000")).toMatch(/429[\s\S]*Connection: keep-alive/);
  expect(await refused("Content-Length: 10000000")).toMatch(/429[\s\S]*Connection: close/);
  expect(await refused("Transfer-Encoding: chunked")).toMatch(/429[\s\S]*Connection: close/);
  await serving.stop();
});

it("lets one through at a rate below one a second", async () => {
  const serving = await serveTimeless({ rateLimit: 0.4 });
  expect((await send(serving.port, { body: list })).status).toBe(200);
  expect((await send(serving.port, { body: list })).status).toBe(429);
  await serving.stop();
});

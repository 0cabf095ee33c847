/** What is true of every call, whichever resource it is for. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CloudUnderTest, cloudUnderTest } from "./cloud-under-test.ts";

let cloud: CloudUnderTest;
beforeAll(async () => {
  cloud = await cloudUnderTest();
});
afterAll(() => cloud.dispose());

describe("every call", () => {
  it("is refused without the token, in DigitalOcean's words", async () => {
    const answer = await cloud.call("GET", "/v2/account", undefined, "another");
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({
      id: "unauthorized",
      message: "Unable to authenticate you.",
    });
    expect((await fetch(`${cloud.url()}/v2/account`)).status).toBe(401);
    expect((await fetch(`${cloud.url()}/_rehearsal/log`)).status).toBe(401);
  });

  it("carries a request id and what is left of the rate limit", async () => {
    const one = await cloud.call("GET", "/v2/account");
    const two = await cloud.call("GET", "/v2/account");
    expect(one.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(one.headers.get("x-request-id")).not.toBe(two.headers.get("x-request-id"));
    expect(one.headers.get("ratelimit-limit")).toBe("5000");
    expect(Number(two.headers.get("ratelimit-remaining"))).toBe(
      Number(one.headers.get("ratelimit-remaining")) - 1,
    );
    expect(Number(one.headers.get("ratelimit-reset"))).toBeGreaterThan(Date.now() / 1000);
  });

  it("to an endpoint that is not there is told which one", async () => {
    const answer = await cloud.call("GET", "/v2/load_balancers");
    expect(answer.status).toBe(404);
    expect(answer.body.message).toContain("GET /v2/load_balancers");
  });

  it("with a field that is not there is told which one, nested or not", async () => {
    const answer = await cloud.call("POST", "/v2/tags", { name: "x", colour: "red" });
    expect(answer.status).toBe(422);
    expect(answer.body.id).toBe("unprocessable_entity");
    expect(answer.body.message).toContain('"colour"');
    const nested = await cloud.call("POST", "/v2/firewalls", {
      name: "f",
      inbound_rules: [{ protocol: "tcp", ports: "22", sources: { adresses: [] } }],
    });
    expect(nested.body.message).toContain('"inbound_rules.0.sources.adresses"');
  });

  it("with a body that is not JSON is refused", async () => {
    const response = await fetch(`${cloud.url()}/v2/tags`, {
      method: "POST",
      headers: { authorization: "Bearer a-token-of-the-tests" },
      body: "{",
    });
    expect(response.status).toBe(400);
  });

  it("is seen in the log, without its body", async () => {
    await cloud.call("POST", "/v2/tags", { name: "logged-tag" });
    const log = await cloud.ok("GET", "/_rehearsal/log");
    expect(log).toContainEqual({ method: "POST", path: "/v2/tags", status: 201 });
    expect(JSON.stringify(log)).not.toContain("logged-tag");
  });
});

describe("lists", () => {
  it("are paged with links to the other pages", async () => {
    const first = await cloud.ok("GET", "/v2/regions?per_page=5");
    expect(first.regions).toHaveLength(5);
    expect(first.meta.total).toBe(13);
    expect(first.links.pages.next).toContain("page=2");
    expect(first.links.pages.last).toContain("page=3");
    expect(first.links.pages.prev).toBeUndefined();
    const last = await fetch(first.links.pages.last, {
      headers: { authorization: "Bearer a-token-of-the-tests" },
    });
    const body = (await last.json()) as { regions: unknown[]; links: { pages: object } };
    expect(body.regions).toHaveLength(3);
    expect(Object.keys(body.links.pages).sort()).toEqual(["first", "prev"]);
  });

  it("name real sizes with their prices", async () => {
    const { sizes } = await cloud.ok("GET", "/v2/sizes?per_page=200");
    expect(sizes.find((size: { slug: string }) => size.slug === "s-2vcpu-4gb")).toMatchObject({
      memory: 4096,
      vcpus: 2,
      disk: 80,
      price_monthly: 24,
      price_hourly: 0.03571,
    });
  });
});

describe("the account's file", () => {
  it("keeps everything over a restart, readable by its owner only", async () => {
    await cloud.ok("POST", "/v2/tags", { name: "kept" });
    const file = join(cloud.stateDir, "cloud.json");
    expect(JSON.parse(readFileSync(file, "utf8")).tags).toContain("kept");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await cloud.restart();
    expect((await cloud.ok("GET", "/v2/tags/kept")).tag.name).toBe("kept");
  });
});

describe("faults on request", () => {
  it("refuse a call so many times, then let it through", async () => {
    await cloud.ok("POST", "/_rehearsal/faults", {
      match: "GET /v2/account",
      status: 429,
      count: 2,
      retryAfter: 7,
    });
    const refused = await cloud.call("GET", "/v2/account");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("7");
    expect(refused.body).toMatchObject({
      id: "too_many_requests",
      message: "API rate limit exceeded.",
    });
    expect((await cloud.call("GET", "/v2/account")).status).toBe(429);
    expect((await cloud.call("GET", "/v2/account")).status).toBe(200);
  });

  it("are cleared on request", async () => {
    await cloud.ok("POST", "/_rehearsal/faults", { match: "* /v2/*", status: 500, count: 99 });
    expect((await cloud.call("GET", "/v2/sizes")).body.message).toBe(
      "Unexpected server-side error",
    );
    await cloud.ok("DELETE", "/_rehearsal/faults");
    expect((await cloud.call("GET", "/v2/sizes")).status).toBe(200);
  });
});

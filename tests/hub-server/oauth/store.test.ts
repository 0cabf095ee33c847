/** What is remembered, for how long, and how much of it. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Bounds, OAuthStore } from "../../../hub-server/oauth/store.ts";

let now = 1_000;
const forgotten: string[] = [];
const open = (bounds: Bounds = {}, folder = mkdtempSync(join(tmpdir(), "aihub-oauth-store-"))) =>
  new OAuthStore(
    folder,
    (name) => forgotten.push(name),
    bounds,
    () => now,
  );
const owner = { id: "u-1", email: "a@example.com" };

it("what has expired is not found, and gone after a while, with its token", () => {
  const store = open();
  store.upsert("Grant", "g", { accountId: "u-1" }, 100);
  store.describeGrant("g", "c", "Program", owner);
  store.nameToken("g", "c", "oauth-program-1");
  store.upsert("RefreshToken", "r", { grantId: "g" }, 1_000);
  expect(store.find("Grant", "g")).toMatchObject({ accountId: "u-1", jti: "g" });
  now += 100;
  expect(store.find("Grant", "g")).toBeUndefined();
  expect(forgotten).toEqual([]);
  store.purge(true);
  expect(forgotten.splice(0)).toEqual(["oauth-program-1"]);
  expect(store.find("RefreshToken", "r")).toBeUndefined();
  expect(store.grant("g")).toBeUndefined();
  store.close();
});

it("keys stay over a restart", () => {
  const folder = mkdtempSync(join(tmpdir(), "aihub-oauth-store-"));
  const [one, two] = [open({}, folder), open({}, folder)];
  expect(two.key("k", () => "other")).not.toBe(one.key("l", () => "x"));
  expect(one.key("k", () => "third")).toBe("other");
  one.close();
  two.close();
});

it("strangers fill it so far: clients that nobody let in go first, the oldest of them", () => {
  const store = open({ clients: 5 });
  const add = (name: string) => {
    now += 1;
    store.upsert("Client", name, { client_id: name }, undefined);
  };
  add("let-in");
  store.describeGrant("g", "let-in", "Program", owner);
  for (let i = 0; i < 20; i++) add(`stranger-${i}`);
  expect(store.count("Client")).toBe(5);
  expect(store.find("Client", "let-in")).toBeDefined();
  expect(store.find("Client", "stranger-19")).toBeDefined();
  expect(store.find("Client", "stranger-15")).toBeUndefined();
  store.close();
});

it("requests that wait for somebody are bounded, and so are a person's grants", () => {
  const store = open({ rows: 3, grants: 2 });
  for (let i = 0; i < 9; i++) store.upsert("Interaction", `i-${i}`, {}, 100);
  expect(store.count("Interaction")).toBe(3);
  for (let i = 0; i < 4; i++) {
    now += 1;
    store.upsert("Grant", `g-${i}`, {}, 1_000);
    store.describeGrant(`g-${i}`, "c", "Program", owner);
    store.nameToken(`g-${i}`, "c", `token-${i}`);
  }
  expect(forgotten.splice(0)).toEqual(["token-0", "token-1"]);
  expect(store.count("Grant")).toBe(2);
  store.close();
});

it("is consumed once", () => {
  const store = open();
  store.upsert("AuthorizationCode", "c", {}, 60);
  store.consume("AuthorizationCode", "c");
  expect(() => store.consume("AuthorizationCode", "c")).toThrow();
  expect(store.find("AuthorizationCode", "c")).toMatchObject({ consumed: now });
  store.close();
});

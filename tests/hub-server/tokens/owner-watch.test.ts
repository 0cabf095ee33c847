import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultAccess } from "../../../hub/access.ts";
import { OwnerWatch } from "../../../hub-server/tokens/owner-watch.ts";
import { createToken, readTokens } from "../../../mcp-server/src/access/tokens.ts";

interface User {
  id: string;
  email: string;
  role: string;
}

let folder: string;
let chat: Server;
let watch: OwnerWatch;
let answer: { status: number; body: string };
let asked: (string | undefined)[];
let said: string[];

const user = (id: string, role = "user"): User => ({ id, email: `${id}@example.com`, role });
const users = (...all: User[]) => ({ status: 200, body: JSON.stringify({ users: all }) });
const tokensFile = () => join(folder, "tokens.json");
const names = () => readTokens(tokensFile()).map(({ name }) => name);

function give(name: string, owner: string | undefined, client?: string): void {
  createToken(tokensFile(), {
    name,
    scopes: ["read", "write"],
    projects: "all",
    ...(owner && { owner: { id: owner, email: `${owner}@example.com` } }),
    ...(client && { client }),
    // As the home page makes them for a member who may not use the tools.
    ...(owner === "mia" && { only: "files" as const }),
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-owners-"));
  asked = [];
  said = [];
  answer = users(user("ada", "admin"), user("mia"));
  chat = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.writeHead(answer.status, { Location: "/elsewhere" });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => chat.listen(0, "127.0.0.1", resolve));
  await writeFile(join(folder, "api-key"), "sk-key\n");
  watch = new OwnerWatch({
    chatUrl: `http://127.0.0.1:${(chat.address() as { port: number }).port}`,
    chatKeyFile: join(folder, "api-key"),
    tokensFile: tokensFile(),
    access: defaultAccess,
    readers: new Set(["rea@example.com"]),
    every: 10,
    say: (line) => said.push(line),
  });
  give("of-ada", "ada");
  give("of-mia", "mia");
  give("of-nobody", undefined);
});

afterEach(async () => {
  watch.stop();
  await new Promise((resolve) => chat.close(resolve));
  await rm(folder, { recursive: true });
});

describe("the watch over owners", () => {
  it("asks as it must, and leaves tokens to those who may hold them", async () => {
    await watch.round();
    expect(asked).toEqual(["/api/v1/users/all Bearer sk-key"]);
    expect(names()).toEqual(["of-ada", "of-mia", "of-nobody"]);
    expect(said).toEqual([]);
  });

  it("takes those of an account that is gone, and says so", async () => {
    answer = users(user("ada", "admin"));
    await watch.round();
    expect(names()).toEqual(["of-ada", "of-nobody"]);
    expect(said).toEqual(['Token "of-mia" of mia@example.com is revoked: the account is gone.']);
  });

  it.each([
    ["pending", "the account waits for an administrator"],
    ["a word of a later version", "the account waits for an administrator"],
  ])("takes those of an account that is %s", async (role, why) => {
    answer = users(user("ada", "admin"), user("mia", role));
    await watch.round();
    expect(names()).toEqual(["of-ada", "of-nobody"]);
    expect(said.join()).toContain(why);
  });

  it("takes all that opens the tools from an administrator who is none any more", async () => {
    give("editor", "ada", "An editor");
    answer = users(user("eve", "admin"), user("ada"), user("mia"));
    await watch.round();
    expect(names()).toEqual(["of-mia", "of-nobody"]);
    expect(said.join()).toContain("a member may not hold it");
  });

  it("takes one that writes from a member who may only look from now on", async () => {
    give("of-rea", "rea");
    answer = users(user("ada", "admin"), user("mia"), user("rea"));
    await watch.round();
    expect(names()).not.toContain("of-rea");
  });

  it.each([
    ["an error", { status: 500, body: "{}" }],
    ["a refusal", { status: 401, body: '{"detail":"no"}' }],
    ["a way elsewhere", { status: 302, body: "" }],
    ["a page", { status: 200, body: "<html>" }],
    ["nothing", { status: 200, body: "" }],
    ["no list", { status: 200, body: '{"users":{}}' }],
    ["null", { status: 200, body: "null" }],
    ["an empty list", users()],
    ["a list without an administrator", users(user("mia"))],
    [
      "a list with something else",
      { status: 200, body: '{"users":[{"id":"ada","email":"a","role":"admin"},{"id":3}]}' },
    ],
    [
      "part of a list",
      { status: 200, body: '{"users":[{"id":"ada","email":"a","role":"admin"}],"total":2}' },
    ],
  ])("takes nothing on %s", async (_what, said_) => {
    answer = said_;
    await watch.round();
    await watch.round();
    expect(names()).toEqual(["of-ada", "of-mia", "of-nobody"]);
    expect(said).toHaveLength(1);
    answer = users(user("ada", "admin"), user("mia"));
    await watch.round();
    expect(said.at(-1)).toBe("The owners of tokens are looked after again.");
  });

  it("takes nothing from anybody while the chat is down or its key is missing", async () => {
    answer = users(user("ada", "admin"));
    await rm(join(folder, "api-key"));
    await watch.round();
    await writeFile(join(folder, "api-key"), "sk-key");
    await new Promise((resolve) => chat.close(resolve));
    await watch.round();
    expect(names()).toEqual(["of-ada", "of-mia", "of-nobody"]);
    expect(said.join()).not.toContain("sk-key");
    expect(said).toHaveLength(2);
  });

  it("asks nobody when no token has an owner", async () => {
    await rm(tokensFile());
    await watch.round();
    expect(asked).toEqual([]);
  });

  it("looks again and again until it is stopped", async () => {
    watch.start();
    await expect.poll(() => asked.length).toBeGreaterThan(1);
    watch.stop();
  });
});

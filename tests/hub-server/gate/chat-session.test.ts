/** What the gate believes of the chat's answers: nothing but what it knows. */
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChatSessions, ChatUnavailable } from "../../../hub-server/gate/chat-session.ts";
import { Proof } from "../../../hub-server/gate/proof.ts";
import { SessionCache } from "../../../hub-server/gate/session-cache.ts";
import { type FakeChat, fakeChat } from "./chat.ts";

let chat: FakeChat;
let sessions: ChatSessions;
/** Milliseconds for which an answer is waited for: no test waits so long for one that comes. */
const PATIENCE = 60_000;
const open = (timeout = PATIENCE) =>
  new ChatSessions({ url: chat.url, readers: new Set(["guest@example.com"]), timeout });
beforeEach(async () => {
  chat = await fakeChat();
  sessions = open();
});
afterEach(async () => {
  sessions.close();
  await chat.close();
});

const user = (role: string, email = "a@example.com") => ({ id: "u1", email, name: "A", role });
const page = (response: ServerResponse) => {
  response.writeHead(200, { "Content-Type": "text/html" });
  response.end("<title>Open WebUI</title>");
};

describe("the chat's word about a session", () => {
  it.each([
    ["admin", "a@example.com", "admin"],
    ["user", "a@example.com", "member"],
    ["user", "Guest@Example.com", "reader"],
    ["admin", "guest@example.com", "admin"],
    ["pending", "a@example.com", undefined],
    ["superuser", "a@example.com", undefined],
    ["Admin", "a@example.com", undefined],
  ])("%s %s is %s", async (role, email, expected) => {
    chat.sessions.t = user(role, email);
    const found = await sessions.whose("t");
    expect(found).toMatchObject({ id: "u1", email });
    expect(found?.role).toBe(expected);
  });

  it("is that it is nobody's", async () => {
    expect(await sessions.whose("made-up")).toBeUndefined();
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["its page", page],
    ["an empty object", (r) => r.setHeader("Content-Type", "application/json").end("{}")],
    ["null", (r) => r.setHeader("Content-Type", "application/json").end("null")],
    ["a list", (r) => r.setHeader("Content-Type", "application/json").end("[]")],
    ["half an answer", (r) => r.setHeader("Content-Type", "application/json").end('{"id":"u1"')],
    ["an error of its own", (r) => r.writeHead(500).end()],
    ["503", (r) => r.writeHead(503).end()],
    ["a redirect", (r) => r.writeHead(302, { Location: "/" }).end()],
    ["a closed connection", (r) => r.destroy()],
  ])("is not believed when it is %s", async (_what, instead) => {
    chat.instead = (_request, response) => instead(response);
    await expect(sessions.whose("t")).rejects.toThrow(ChatUnavailable);
  });

  it("is asked for anew when a connection that was kept is closed under the question", async () => {
    const used = new WeakSet<object>();
    let closed = 0;
    chat.instead = ({ socket }, response) => {
      if (used.has(socket)) {
        closed += 1;
        socket.destroy();
        return;
      }
      used.add(socket);
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(user("admin")));
    };
    // Whether one is used again is for the agent to say.
    while (closed === 0) expect(await sessions.whose("t")).toMatchObject({ role: "admin" });
  });

  it("is not waited for without end", async () => {
    const hasty = open(300);
    chat.instead = () => {};
    await expect(hasty.whose("t")).rejects.toThrow(ChatUnavailable);
    hasty.close();
  });

  it("is not believed when its cache is gone, where it keeps who signed out", async () => {
    chat.sessions.t = user("admin");
    chat.ready = false;
    await expect(sessions.whose("t")).rejects.toThrow(/not ready/);
  });

  it("is not to be had when the chat is down", async () => {
    await chat.close();
    await expect(sessions.whose("t")).rejects.toThrow(ChatUnavailable);
  });
});

describe("the proof", () => {
  const lost: string[] = [];
  const proof = () => new Proof(sessions, () => lost.push("lost"));

  it("is missing until a stranger was turned away", async () => {
    const one = proof();
    expect(one.doubt).toMatch(/not yet/);
    await one.look();
    expect(one.doubt).toBeUndefined();
  });

  it("is lost when a stranger is let in, and what was learnt before is to be forgotten", async () => {
    const one = proof();
    await one.look();
    lost.length = 0;
    chat.instead = (_request, response) => page(response);
    await one.look();
    expect(one.doubt).toMatch(/200 instead of 401/);
    expect(lost).toEqual(["lost"]);
    chat.instead = undefined;
    await one.look();
    expect(one.doubt).toBeUndefined();
  });

  it("is not given by a chat that refuses cookies and lets those without one in", async () => {
    const one = proof();
    chat.instead = (request, response) => {
      if (request.headers.cookie) response.writeHead(401).end();
      else page(response);
    };
    await one.look();
    expect(one.doubt).toMatch(/200 instead of 401/);
  });

  it("is missing while the chat has trouble, which is no reason to forget", async () => {
    const one = proof();
    await one.look();
    lost.length = 0;
    chat.instead = (_request, response) => response.writeHead(503).end();
    await one.look();
    expect(one.doubt).toMatch(/503/);
    expect(lost).toEqual([]);
  });

  it("is looked for again and again", async () => {
    const one = new Proof(sessions, () => {}, { every: 5, again: 5 });
    const watching = one.watch();
    await expect.poll(() => one.doubt).toBeUndefined();
    await chat.close();
    await expect.poll(() => one.doubt).toMatch(/does not answer/);
    one.stop();
    await watching;
  });
});

describe("what is remembered", () => {
  let now = 0;
  const times = { fresh: 3_000, most: 9_000 };
  const cache = () => new SessionCache(sessions, times, () => now);
  const questions = () => chat.asked.filter((path) => path === "/api/v1/auths/").length;

  it("is asked once by many at once, and not again while it is new", async () => {
    chat.sessions.t = user("user");
    const one = cache();
    await Promise.all(Array.from({ length: 50 }, () => one.whose("t")));
    now += 2_999;
    await one.whose("t");
    expect(questions()).toBe(1);
  });

  it("is asked again once it is not new, by one, while the others pass", async () => {
    chat.sessions.t = user("user");
    const one = cache();
    await one.whose("t");
    chat.sessions.t = user("admin");
    now += 3_000;
    const found = await Promise.all(Array.from({ length: 50 }, () => one.whose("t")));
    expect(new Set(found.map((person) => person?.role))).toEqual(new Set(["member"]));
    await expect.poll(async () => (await one.whose("t"))?.role).toBe("admin");
    expect(questions()).toBe(2);
  });

  it("ends with a sign-out at the next look, and without one at its time", async () => {
    chat.sessions.t = user("user");
    const one = cache();
    await one.whose("t");
    delete chat.sessions.t;
    now += 3_000;
    await one.whose("t");
    await expect.poll(() => one.whose("t")).toBeUndefined();

    chat.sessions.u = user("user");
    await one.whose("u");
    delete chat.sessions.u;
    now += 9_000;
    expect(await one.whose("u")).toBeUndefined();
  });

  it("outlasts a chat that is slow or away, until its time is over", async () => {
    chat.sessions.t = user("user");
    const one = cache();
    await one.whose("t");
    chat.ready = false;
    for (const later of [3_000, 3_000, 2_999]) {
      now += later;
      expect((await one.whose("t"))?.role).toBe("member");
    }
    now += 1;
    await expect(one.whose("t")).rejects.toThrow(/not ready/);
  });

  it("is gone when it is to be forgotten, also what was being asked", async () => {
    chat.sessions.t = user("user");
    const one = cache();
    await one.whose("t");
    now += 3_000;
    await one.whose("t");
    one.clear();
    chat.ready = false;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(one.whose("t")).rejects.toThrow();
  });

  it("a stranger is remembered for a moment only", async () => {
    const one = cache();
    expect(await one.whose("t")).toBeUndefined();
    chat.sessions.t = user("user");
    expect(await one.whose("t")).toBeUndefined();
    now += 1_000;
    expect(await one.whose("t")).toBeDefined();
  });

  it("a failure is not remembered", async () => {
    chat.sessions.t = user("user");
    chat.ready = false;
    const one = cache();
    await expect(one.whose("t")).rejects.toThrow();
    chat.ready = true;
    expect(await one.whose("t")).toBeDefined();
  });

  it("a flood of made-up sessions does not grow it without end", async () => {
    const asked: string[] = [];
    const one = new SessionCache(
      {
        whose: async (token) => {
          asked.push(token);
          return undefined;
        },
      },
      times,
      () => now,
    );
    for (let count = 0; count < 5_001; count++) await one.whose(`t${count}`);
    await one.whose("t0");
    expect(asked.length).toBe(5_002);
    await one.whose("t5000");
    expect(asked.length).toBe(5_002);
  });
});

/** The gate's verdicts, person by person, door by door. */
import { describe, expect, it } from "vitest";
import { type Door, defaultAccess, doors } from "../../../hub/access.ts";
import { ChatUnavailable } from "../../../hub-server/gate/chat-session.ts";
import { Gate, type GateParts } from "../../../hub-server/gate/gate.ts";
import type { Person } from "../../../hub-server/gate/person.ts";
import type { Question } from "../../../hub-server/gate/question.ts";
import type { Caller, Scope } from "../../../mcp-server/src/access/caller.ts";

const person = (role: Person["role"]): Person => ({
  id: `id-${role}`,
  email: `${role}@example.com`,
  name: `${role}`,
  role,
});
const people: Record<string, Person> = {
  admin: person("admin"),
  member: person("member"),
  reader: person("reader"),
  pending: person(undefined),
};
const caller = (scopes: Scope[], projects: Caller["projects"] = "all"): Caller => ({
  token: "laptop",
  scopes: new Set(scopes),
  projects,
});
const tokens: Record<string, Caller> = {
  all: caller(["read", "write", "delete"]),
  read: caller(["read"]),
  write: caller(["read", "write"]),
  narrow: caller(["read", "write", "delete"], ["blog"]),
};

const gate = (parts: Partial<GateParts> = {}) =>
  new Gate({
    sessions: { whose: async (token) => people[token] },
    tokens: { authenticate: (secret) => tokens[secret] },
    access: defaultAccess,
    publicUrl: "https://hub.example.com",
    ...parts,
  });

const question = (over: Partial<Question> = {}): Question => ({
  door: "files",
  method: "GET",
  uri: "/files/plans/",
  session: undefined,
  password: undefined,
  hasCredentials: false,
  isPage: true,
  origin: undefined,
  address: "203.0.113.9",
  ...over,
});
const outcome = async (over: Partial<Question>, parts?: Partial<GateParts>) =>
  (await gate(parts).ask(question(over))).outcome;

describe("a person's session", () => {
  const opens: Record<string, Partial<Record<Door, string>>> = {
    admin: { files: "pass", code: "pass", home: "pass", tools: "pass" },
    member: { files: "pass", code: "refused", home: "pass", tools: "refused" },
    reader: { files: "pass", code: "refused", home: "pass", tools: "refused" },
    pending: { files: "refused", code: "refused", home: "refused", tools: "refused" },
    nobody: { files: "sign in", code: "sign in", home: "sign in", tools: "sign in" },
  };
  for (const [who, row] of Object.entries(opens)) {
    it.each(doors)(`${who} at %s`, async (door) => {
      expect(await outcome({ door, session: who })).toBe(row[door]);
    });
  }

  it.each([
    ["GET", "pass"],
    ["HEAD", "pass"],
    ["OPTIONS", "pass"],
    ["PROPFIND", "pass"],
    ["PUT", "refused"],
    ["POST", "refused"],
    ["DELETE", "refused"],
    ["MKCOL", "refused"],
    ["MOVE", "refused"],
    ["COPY", "refused"],
    ["PATCH", "refused"],
    ["PROPPATCH", "refused"],
    ["LOCK", "refused"],
    ["get", "refused"],
    ["ANYTHING", "refused"],
  ])("lets a reader %s: %s", async (method, expected) => {
    expect(await outcome({ method, session: "reader" })).toBe(expected);
    expect(await outcome({ method, session: "member" })).toBe("pass");
  });

  it("opens code for readers under no setting", async () => {
    const access = {
      files: "members",
      code: "members",
      home: "members",
      tools: "members",
    } as const;
    expect(await outcome({ door: "code", session: "member" }, { access })).toBe("pass");
    expect(await outcome({ door: "code", session: "reader" }, { access })).toBe("refused");
    expect(await outcome({ door: "tools", session: "reader" }, { access })).toBe("refused");
  });

  it("is not lent to another site's page", async () => {
    const origin = "https://evil.example";
    for (const method of ["PUT", "DELETE", "POST", "MOVE"])
      expect(await outcome({ method, origin, session: "admin" }), method).toBe("refused");
    // A websocket is opened by GET.
    expect(await outcome({ door: "code", origin, session: "admin" })).toBe("refused");
    expect(await outcome({ door: "code", origin: "null", session: "admin" })).toBe("refused");
    const here = "https://hub.example.com";
    expect(await outcome({ method: "PUT", origin: here, session: "admin" })).toBe("pass");
    expect(await outcome({ door: "code", origin: here, session: "admin" })).toBe("pass");
  });
});

describe("a stranger", () => {
  it.each([
    ["/files/a b/?x=1&y=2", "/auth?redirect=%2Ffiles%2Fa%20b%2F%3Fx%3D1%26y%3D2"],
    ["//evil.example/files/", "/auth?redirect=%2Fevil.example%2Ffiles%2F"],
    ["/\\evil.example/", "/auth?redirect=%2Fevil.example%2F"],
  ])("of %s comes back to a place of this hub", async (uri, location) => {
    expect(await gate().ask(question({ uri }))).toEqual({ outcome: "sign in", location });
  });

  it("that is a program is told to show a token at files, and nowhere else", async () => {
    expect(await outcome({ isPage: false })).toBe("challenge");
    expect(await outcome({ isPage: false, door: "code" })).toBe("sign in");
  });
});

describe("a token over WebDAV", () => {
  const shown = (password: string, over: Partial<Question> = {}) =>
    outcome({ password, hasCredentials: true, isPage: false, ...over });
  it.each([
    ["all", "GET", "pass"],
    ["all", "PUT", "pass"],
    ["all", "MOVE", "pass"],
    ["all", "DELETE", "pass"],
    ["all", "POST", "refused"],
    ["read", "PROPFIND", "pass"],
    ["read", "PUT", "refused"],
    ["read", "COPY", "refused"],
    ["write", "PUT", "pass"],
    ["write", "DELETE", "refused"],
    ["write", "MOVE", "refused"],
    ["narrow", "GET", "refused"],
    ["none", "GET", "challenge"],
    ["", "GET", "challenge"],
  ])("%s %s: %s", async (token, method, expected) => {
    expect(await shown(token, { method })).toBe(expected);
  });

  it("is judged alone, whatever session comes along", async () => {
    expect(await shown("none", { session: "admin" })).toBe("challenge");
    expect(await shown("read", { session: "admin", method: "PUT" })).toBe("refused");
  });

  it("opens nothing but files", async () => {
    for (const door of ["code", "home", "tools"] as const)
      expect(await shown("all", { door })).toBe("sign in");
  });

  it("opens files while the chat cannot be asked", async () => {
    const whose = async () => {
      throw new ChatUnavailable("down");
    };
    const over = { password: "read", hasCredentials: true };
    expect(await outcome(over, { sessions: { whose } })).toBe("pass");
  });

  it("cannot be guessed at any speed", async () => {
    const one = gate();
    const guess = (address: string) =>
      one.ask(question({ password: "none", hasCredentials: true, isPage: false, address }));
    const first = await Promise.all(Array.from({ length: 20 }, () => guess("203.0.113.1")));
    expect(new Set(first.map((verdict) => verdict.outcome))).toEqual(new Set(["challenge"]));
    expect((await guess("203.0.113.1")).outcome).toBe("too many");
    expect((await guess("203.0.113.2")).outcome).toBe("challenge");
  });
});

describe("when nobody can tell", () => {
  it("nobody passes", async () => {
    const whose = async () => {
      throw new ChatUnavailable("no answer");
    };
    for (const door of doors) {
      expect(await outcome({ door, session: "admin" }, { sessions: { whose } })).toBe(
        "unavailable",
      );
    }
  });
  it("a defect is no pass either", async () => {
    const whose = async () => {
      throw new TypeError("defect");
    };
    await expect(outcome({ session: "admin" }, { sessions: { whose } })).rejects.toThrow("defect");
  });
});

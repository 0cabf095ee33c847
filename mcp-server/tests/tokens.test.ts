/** Named tokens: who comes in, and from when on. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs, {
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Caller } from "../src/access/caller.ts";
import { withHeaderLabels } from "../src/access/labels.ts";
import {
  createToken,
  type NewToken,
  readTokens,
  revokeToken,
  TokenStore,
} from "../src/access/tokens.ts";

const folder = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let file: string;
let said: string[];
let store: TokenStore;
let count = 0;
beforeEach(() => {
  file = join(folder, `state-${count++}`, "tokens.json");
  said = [];
  store = new TokenStore(file, undefined, (line) => said.push(line));
});
const token = (name: string, more: Partial<NewToken> = {}): NewToken => ({
  name,
  scopes: ["read"],
  projects: "all",
  ...more,
});

describe("the file", () => {
  it("holds a digest and not the secret, for its owner only", () => {
    const secret = createToken(file, token("ci"));
    expect(secret).toMatch(/^aihub_[\w-]{43}$/);
    expect(readFileSync(file, "utf8")).not.toContain(secret.slice(6));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
  it("keeps every token that several processes make at once", async () => {
    const script = `import { createToken } from ${JSON.stringify(new URL("../src/access/tokens.ts", import.meta.url).href)};
      for (const n of [1, 2, 3]) createToken(process.argv[1], { name: process.argv[2] + n, scopes: ["read"], projects: "all" });`;
    const ended = ["a", "b", "c", "d"].map((name) =>
      once(
        spawn(process.execPath, ["--input-type=module", "-e", script, file, name], {
          stdio: "inherit",
        }),
        "exit",
      ),
    );
    for (const [code] of await Promise.all(ended)) expect(code).toBe(0);
    expect(
      readTokens(file)
        .map(({ name }) => name)
        .sort(),
    ).toHaveLength(12);
  });
  it("is changed also where one that was changing it has died", () => {
    createToken(file, token("before"));
    writeFileSync(`${file}.new`, "half");
    createToken(file, token("after"));
    expect(readTokens(file).map(({ name }) => name)).toEqual(["before", "after"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.new`)).toBe(false);
  });
  it("waits for one who is changing it", async () => {
    createToken(file, token("before"));
    const other = new DatabaseSync(`${file}.lock`);
    other.exec("BEGIN EXCLUSIVE");
    const script = `import { createToken } from ${JSON.stringify(new URL("../src/access/tokens.ts", import.meta.url).href)};
      process.stdout.write("begins");
      createToken(process.argv[1], { name: "after", scopes: ["read"], projects: "all" });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    await sleep(200);
    expect(readTokens(file)).toHaveLength(1);
    other.close();
    expect(await ended).toEqual([0, null]);
    expect(readTokens(file)).toHaveLength(2);
  });
  it("is on the disk before its name is, and then its folder", () => {
    const steps: string[] = [];
    const { fsyncSync, renameSync } = fs;
    vi.spyOn(fs, "fsyncSync").mockImplementation((fd) => {
      steps.push(`sync ${basename(readlinkSync(`/proc/self/fd/${fd}`))}`);
      fsyncSync(fd);
    });
    vi.spyOn(fs, "renameSync").mockImplementation((from, to) => {
      steps.push("rename");
      renameSync(from, to);
    });
    syncBuiltinESMExports();
    try {
      createToken(file, token("ci"));
    } finally {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    }
    expect(steps).toEqual(["sync tokens.json.new", "rename", `sync ${basename(dirname(file))}`]);
  });
  it("says what is no project", () => {
    for (const name of [".", "..", "./", "", "a/b"])
      expect(() => createToken(file, token("ci", { projects: [name] }))).toThrow(/is no project:/);
    expect(readTokens(file)).toEqual([]);
  });
  it("says what is wrong with a name", () => {
    createToken(file, token("ci"));
    expect(() => createToken(file, token("ci"))).toThrow(/already/);
    expect(() => createToken(file, token("hub"))).toThrow(/started with\. Choose another name/);
    for (const name of ["", "a b", "../x", "ä", "x".repeat(65), "-x"]) {
      expect(() => createToken(file, token(name)), name).toThrow(/no token name/);
    }
    expect(() => revokeToken(file, "cd")).toThrow('There is no token "cd"; known: ci.');
  });
});

describe("a secret", () => {
  it("lets in who it belongs to, and nobody else", () => {
    const secret = createToken(
      file,
      token("ci", { scopes: ["read", "write"], projects: ["blog"] }),
    );
    expect(store.authenticate(secret)).toEqual({
      token: "ci",
      scopes: new Set(["read", "write"]),
      projects: ["blog"],
    });
    for (const wrong of ["", "aihub_", secret.slice(1), `${secret}x`, secret.toUpperCase()]) {
      expect(store.authenticate(wrong)).toBeUndefined();
    }
  });
  it("counts from the moment it is made until the moment it is revoked", async () => {
    expect(store.authenticate("aihub_x")).toBeUndefined();
    const secret = createToken(file, token("ci"));
    expect(store.authenticate(secret)?.token).toBe("ci");
    const other = createToken(file, token("other"));
    expect(store.authenticate(other)?.token).toBe("other");
    revokeToken(file, "ci");
    await sleep(10);
    expect(store.authenticate(secret)).toBeUndefined();
    expect(store.authenticate(other)?.token).toBe("other");
  });
  it("counts for files alone where it was made for them", () => {
    const secret = createToken(file, token("laptop", { only: "files" }));
    expect(store.authenticate(secret)).toBeUndefined();
    expect(store.authenticate(secret, "files")?.token).toBe("laptop");
    const both = createToken(file, token("both"));
    expect(store.authenticate(both, "files")?.token).toBe("both");
  });
  it("is its owner's, whatever a header says", () => {
    const owner = { id: "u1", email: "me@example.com" };
    const caller = store.authenticate(createToken(file, token("mine", { owner })));
    expect(caller?.user).toBe("me@example.com");
    const headers = { "x-openwebui-user-email": "other@example.com", "x-openwebui-chat-id": "c1" };
    expect(withHeaderLabels(caller as Caller, headers)).toMatchObject({
      user: "me@example.com",
      chat: "c1",
    });
  });
  it("expires", () => {
    // A clock that only the test moves: to write a token down may take longer than it lives.
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const made = Date.now();
      const secret = createToken(file, token("ci", { lifetime: 60 }));
      vi.setSystemTime(made + 59);
      expect(store.authenticate(secret)).toBeDefined();
      vi.setSystemTime(made + 60);
      expect(store.authenticate(secret)).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });
  it("given at the start is found beside those of the file", () => {
    const both = new TokenStore(file, { secret: "short", name: "me", scopes: ["read"] });
    const secret = createToken(file, token("ci"));
    expect(both.authenticate("short")).toMatchObject({ token: "me", projects: "all" });
    expect(both.authenticate(secret)?.token).toBe("ci");
    expect(both.authenticate("shor")).toBeUndefined();
  });
  it("of the file is not let in under the name of the one given at the start", () => {
    const both = new TokenStore(file, { secret: "short", name: "me" }, (line) => said.push(line));
    const [same, other] = [createToken(file, token("me")), createToken(file, token("other"))];
    expect(both.authenticate(same)).toBeUndefined();
    expect(both.authenticate(other)?.token).toBe("other");
    expect(both.authenticate("short")?.token).toBe("me");
    expect(said).toEqual([expect.stringMatching(/^Token "me" of .* is not let in.*Revoke it/)]);
    expect(store.authenticate(same)?.token).toBe("me");
  });
});

it.each([
  ["no JSON", "{"],
  ["a token without a digest", '{"tokens":[{"name":"x"}]}'],
  [
    "an unknown scope",
    JSON.stringify({
      tokens: [
        {
          name: "x",
          sha256: "0".repeat(64),
          scopes: ["root"],
          projects: "all",
          created: "2026-01-01T00:00:00Z",
        },
      ],
    }),
  ],
  ...[".", "..", "./", "", "a/b"].map((project): [string, string] => [
    `the project ${JSON.stringify(project)}`,
    JSON.stringify({
      tokens: [
        {
          name: "x",
          sha256: "0".repeat(64),
          scopes: ["read"],
          projects: [project],
          created: "2026-01-01T00:00:00Z",
        },
      ],
    }),
  ]),
])("a file with %s leaves in force what was known, and is told of once", async (_what, text) => {
  const secret = createToken(file, token("ci"));
  expect(store.authenticate(secret)).toBeDefined();
  writeFileSync(file, text);
  await sleep(10);
  for (let call = 0; call < 3; call++) {
    expect(store.authenticate(secret)?.token).toBe("ci");
    await sleep(10);
  }
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/damaged.*The 1 tokens known before stay/);
  rmSync(file);
  await sleep(10);
  expect(store.authenticate(secret)).toBeUndefined();
});

describe("the verbs", () => {
  const main = new URL("../src/main.ts", import.meta.url).pathname;
  const run = (...args: string[]) =>
    execFileSync(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", main, "token", ...args],
      {
        encoding: "utf8",
      },
    );
  it("make, show and revoke a token", () => {
    const made = run(
      "create",
      "ci",
      "--scopes",
      "write,read",
      "--projects",
      "blog, api",
      "--expires",
      "30d",
      "--tokens",
      file,
    );
    const [secret = ""] = made.split("\n");
    expect(made).toContain('Token "ci": read, write in blog, api; until 20');
    expect(store.authenticate(secret)).toMatchObject({ token: "ci", projects: ["blog", "api"] });
    expect(run("list", "--tokens", file)).toMatch(/^ci {2}read, write in blog, api; until /);
    const [shown] = JSON.parse(run("list", "--json", "--tokens", file));
    expect(shown).toMatchObject({ name: "ci", scopes: ["read", "write"], expired: false });
    expect(JSON.stringify(shown)).not.toContain("sha256");
    const { secret: other } = JSON.parse(run("create", "all", "--json", "--tokens", file));
    expect(store.authenticate(other)).toMatchObject({ projects: "all" });
    expect(run("revoke", "ci", "--tokens", file)).toMatch(/revoked/);
    expect(run("list", "--tokens", file)).not.toContain("ci");
  });
});

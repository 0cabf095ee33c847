import { linkSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../src/limits.ts";
import { placeOf, resourceUri } from "../src/protocol/resource-uri.ts";
import { type ProtocolServing, serveProtocol } from "./protocol-serving.ts";

let serving: ProtocolServing;
let client: Client;
let blogOnly: Client;

beforeAll(async () => {
  serving = await serveProtocol();
  serving.put("blog/README.md", "# Blog\r\n");
  serving.put("blog/src/a b#c%.ts", "export {};\n");
  serving.put("blog/src/app.ts", "export {};\n");
  serving.put("blog/logo.png", Buffer.from([0x89, 0x50, 0, 1]));
  serving.put("blog/latin1.txt", Buffer.from([0x63, 0x61, 0x66, 0xe9]));
  serving.put("shop/secret.txt", "secret");
  serving.put("notes.txt", "at the root");
  for (let n = 0; n < 450; n++) serving.put(`wide/f${String(n).padStart(3, "0")}.txt`, "x");
  symlinkSync("/etc/hostname", join(serving.workspace, "blog/link.txt"));
  serving.put("shop/linked.txt", "twice");
  linkSync(join(serving.workspace, "shop/linked.txt"), join(serving.workspace, "blog/hard.txt"));
  client = await serving.connect();
  blogOnly = await serving.connect({ scopes: ["read"], projects: ["blog", "gone"] });
});
afterAll(() => serving.stop());

async function refusal(reading: Promise<unknown>): Promise<{ code?: number; message: string }> {
  return reading.then(
    () => {
      throw new Error("was not refused");
    },
    (error) => error,
  );
}

describe("resources/list", () => {
  it("lists the files of all projects, a page at a time", async () => {
    const uris: string[] = [];
    const pages: number[] = [];
    let cursor: string | undefined;
    do {
      const params = cursor === undefined ? {} : { cursor };
      // listResources of the client takes all pages at once.
      const page = await client.request({ method: "resources/list", params });
      uris.push(...page.resources.map(({ uri }) => uri));
      pages.push(page.resources.length);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(pages.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...pages)).toBe(200);
    expect(new Set(uris).size).toBe(uris.length);
    expect(uris).toContain("workspace://blog/README.md");
    expect(uris).toContain("workspace://blog/src/a%20b%23c%25.ts");
    expect(uris).toContain("workspace://shop/secret.txt");
    expect(uris.filter((uri) => uri.startsWith("workspace://wide/"))).toHaveLength(450);
    // Neither the root's files nor what the server keeps.
    expect(uris.filter((uri) => /notes\.txt|\.aihub/.test(uri))).toEqual([]);
  });

  it("names the content types", async () => {
    const { resources } = await client.listResources();
    const types = new Map(resources.map(({ uri, mimeType }) => [uri, mimeType]));
    expect(types.get("workspace://blog/README.md")).toBe("text/markdown");
    expect(types.get("workspace://blog/logo.png")).toBe("image/png");
  });

  it("lists files whose endings are called as what every object has", async () => {
    const names = ["a.__proto__", "a.constructor", "a.toString", "__proto__"];
    for (const name of names) serving.put(`odd/${name}`, "x");
    const reader = await serving.connect({ scopes: ["read"], projects: ["odd"] });
    const { resources } = await reader.listResources();
    expect(resources.map(({ name }) => name).sort()).toEqual(names.map((n) => `odd/${n}`).sort());
    expect(resources.some((one) => "mimeType" in one)).toBe(false);
    const uri = "workspace://odd/a.__proto__";
    const { contents } = await reader.readResource({ uri });
    expect(contents).toEqual([{ uri, mimeType: "text/plain", text: "x" }]);
    rmSync(join(serving.workspace, "odd"), { recursive: true });
  });

  it("leaves out what the token does not reach", async () => {
    const { resources } = await blogOnly.listResources();
    expect(resources.length).toBeGreaterThan(3);
    expect(resources.every(({ uri }) => uri.startsWith("workspace://blog/"))).toBe(true);
    const writer = await serving.connect({ scopes: ["write"] });
    expect((await writer.listResources()).resources).toEqual([]);
  });

  it("refuses a cursor that is none", async () => {
    for (const cursor of ["", "x", Buffer.from("[1]").toString("base64url")]) {
      expect(await refusal(client.listResources({ cursor }))).toMatchObject({ code: -32602 });
    }
  });
});

describe("resources/read", () => {
  it("gives text as it is", async () => {
    const uri = "workspace://blog/README.md";
    const { contents } = await client.readResource({ uri });
    expect(contents).toEqual([{ uri, mimeType: "text/markdown", text: "# Blog\r\n" }]);
  });

  it("gives what is no UTF-8 text as bytes", async () => {
    const png = await client.readResource({ uri: "workspace://blog/logo.png" });
    expect(png.contents).toMatchObject([{ mimeType: "image/png", blob: "iVAAAQ==" }]);
    const latin1 = await client.readResource({ uri: "workspace://blog/latin1.txt" });
    expect(latin1.contents).toMatchObject([{ mimeType: "application/octet-stream" }]);
  });

  it("takes encoded and plain spellings of a path", async () => {
    for (const uri of [
      "workspace://blog/src/a%20b%23c%25.ts",
      "workspace://blog/src/app.ts",
      "workspace://blog/src/%61pp.ts",
    ]) {
      expect((await client.readResource({ uri })).contents).toMatchObject([
        { uri, text: "export {};\n" },
      ]);
    }
  });

  it.each([
    "workspace://blog/missing.md",
    "workspace://blog/README.md/below",
    "workspace://blog/src",
    "workspace://blog/../shop/secret.txt",
    "workspace://blog/%2e%2e/shop/secret.txt",
    "workspace://blog%2f..%2fshop/secret.txt",
    "workspace://./notes.txt",
    "workspace://../notes.txt",
    "workspace:///notes.txt",
    "workspace://blog//etc/hostname",
    "workspace://.aihub/history.db",
    "workspace://blog/%ff.txt",
    "workspace://blog/a%00b",
    "workspace://nowhere/a.txt",
    "file:///etc/hostname",
    "nonsense",
    "",
  ])("finds nothing at %j", async (uri) => {
    expect(await refusal(client.readResource({ uri }))).toMatchObject({
      code: -32602,
      data: { uri },
    });
  });

  it("follows no link, symbolic or hard", async () => {
    for (const name of ["link.txt", "hard.txt"]) {
      const refused = await refusal(client.readResource({ uri: `workspace://blog/${name}` }));
      expect(refused).toMatchObject({ code: -32602 });
      expect(refused.message).toMatch(/link/);
    }
  });

  it("gives nothing that the token does not reach, and says which token", async () => {
    const uri = "workspace://shop/secret.txt";
    const refused = await refusal(blogOnly.readResource({ uri }));
    expect(refused).toMatchObject({ code: -32602, data: { uri } });
    expect(refused.message).toMatch(/"test-\d+" may not read in project "shop"/);
    const writer = await serving.connect({ scopes: ["write"] });
    expect(await refusal(writer.readResource({ uri }))).toMatchObject({ code: -32602 });
    const gone = await refusal(blogOnly.readResource({ uri: "workspace://gone/a.txt" }));
    expect(gone.message).toContain('no project "gone"; known: blog.');
  });

  it("refuses what is too large", async () => {
    serving.put("shop/large.txt", "x".repeat(limits.resource + 1));
    const refused = await refusal(client.readResource({ uri: "workspace://shop/large.txt" }));
    expect(refused.message).toMatch(new RegExp(`${limits.resource + 1} bytes`));
  });

  it("serves clients of 2025", async () => {
    const legacy = await serving.connect({ era: "legacy" });
    const { contents } = await legacy.readResource({ uri: "workspace://shop/secret.txt" });
    expect(contents).toMatchObject([{ text: "secret" }]);
    expect(legacy.getServerCapabilities()).not.toHaveProperty("resources.subscribe");
    expect(legacy.getServerCapabilities()).not.toHaveProperty("logging");
  });
});

it("logs who listed and completed what", async () => {
  await refusal(blogOnly.listResources({ cursor: "x" }));
  // listResources of the client may answer from what it has kept.
  await blogOnly.request({ method: "resources/list", params: {} });
  await blogOnly.complete({
    ref: { type: "ref/resource", uri: "workspace://{project}/{+path}" },
    argument: { name: "path", value: "src/" },
    context: { arguments: { project: "blog" } },
  });
  const log = join(serving.workspace, ".aihub/audit/audit.jsonl");
  const token = expect.stringMatching(/^test-\d+$/);
  const lines = () => readFileSync(log, "utf8").trimEnd().split("\n").slice(-3);
  await expect
    .poll(() => lines().map((line) => JSON.parse(line)))
    .toMatchObject([
      { token, tool: "resources/list", outcome: "invalid" },
      { token, tool: "resources/list", outcome: "ok" },
      { token, tool: "completion/complete", project: "blog", path: "src/", outcome: "ok" },
    ]);
});

describe("the URI of a file", () => {
  it.each(["blog/a.md", "blog/a b/ü#?%.md", "blog/..x/...", "p q/100%.txt"])(
    "comes back as %s",
    (path) => {
      expect(placeOf(resourceUri(path))).toEqual({ project: path.split("/")[0], path });
    },
  );
});

describe("completion", () => {
  const ref = { type: "ref/resource", uri: "workspace://{project}/{+path}" } as const;
  async function completed(as: Client, name: string, value: string, project?: string) {
    const { completion } = await as.complete({
      ref,
      argument: { name, value },
      ...(project !== undefined && { context: { arguments: { project } } }),
    });
    return completion;
  }

  it("completes projects that the token reaches", async () => {
    expect((await completed(client, "project", "")).values).toEqual(["blog", "shop", "wide"]);
    expect((await completed(client, "project", "s")).values).toEqual(["shop"]);
    expect((await completed(blogOnly, "project", "")).values).toEqual(["blog"]);
  });

  it("completes a path within the folder typed so far", async () => {
    expect((await completed(client, "path", "", "blog")).values).toEqual([
      "README.md",
      "hard.txt",
      "latin1.txt",
      "logo.png",
      "src/",
    ]);
    expect((await completed(client, "path", "src/a", "blog")).values).toEqual([
      "src/a b#c%.ts",
      "src/app.ts",
    ]);
  });

  it("says how many there are when it cannot give all", async () => {
    expect(await completed(client, "path", "f", "wide")).toMatchObject({
      total: 450,
      hasMore: true,
      values: expect.objectContaining({ length: 100 }),
    });
  });

  it("gives nothing outside", async () => {
    expect((await completed(blogOnly, "path", "", "shop")).values).toEqual([]);
    for (const [value, project] of [
      ["../shop/", "blog"],
      ["/etc/", "blog"],
      ["link.txt/", "blog"],
      ["no/such/", "blog"],
      ["", "."],
      ["", ".."],
      ["", ".aihub"],
      ["", undefined],
    ] as const) {
      expect((await completed(client, "path", value, project)).values).toEqual([]);
    }
  });
});

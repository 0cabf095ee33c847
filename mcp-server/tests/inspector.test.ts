/** The official Inspector, by its command line, as somebody who looks at the server for the first time. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProtocolServing, serveProtocol } from "./protocol-serving.ts";

const inspector = join(
  dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/inspector/package.json")),
  "clients/launcher/build/index.js",
);
const main = join(import.meta.dirname, "../src/main.ts");

let home: string;
let serving: ProtocolServing;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "aihub-inspector-"));
  mkdirSync(join(home, "workspace", "blog"), { recursive: true });
  serving = await serveProtocol();
  serving.put("blog/README.md", "# Blog\n");
});
afterAll(async () => {
  await serving.stop();
  rmSync(home, { recursive: true, force: true });
});

interface Inspected {
  code: number | null;
  stdout: string;
  stderr: string;
}

function inspect(args: string[]): Promise<Inspected> {
  const child = spawn(process.execPath, [inspector, "--cli", ...args], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, MCP_CATALOG_PATH: join(home, "catalog.json") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const inspected: Inspected = { code: null, stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text) => {
      inspected[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...inspected, code }));
  });
}

async function answer(args: string[]) {
  const { code, stdout, stderr } = await inspect(args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

const ways: [string, () => string[]][] = [
  [
    "over HTTP",
    () => [
      serving.server.url,
      "--transport",
      "http",
      "--header",
      `Authorization: Bearer ${serving.token()}`,
    ],
  ],
  ["over stdio", () => [process.execPath, main, "stdio", "--workspace", join(home, "workspace")]],
];

describe.each(ways)("%s", (_, way) => {
  it("lists the tools and finds nothing wrong with their schemas", async () => {
    const { tools } = await answer([...way(), "--method", "tools/list", "--strict"]);
    expect(tools.map(({ name }: { name: string }) => name)).toContain("read_code");
  });

  it("calls a tool", async () => {
    const call = ["--method", "tools/call", "--tool-name", "list_projects"];
    const { isError, structuredContent } = await answer([...way(), ...call]);
    expect(isError).toBeFalsy();
    expect(JSON.stringify(structuredContent)).toContain('"blog"');
  });

  it("lists resource templates and prompts", async () => {
    const { resourceTemplates } = await answer([...way(), "--method", "resources/templates/list"]);
    expect(resourceTemplates).toMatchObject([{ uriTemplate: "workspace://{project}/{+path}" }]);
    const { prompts } = await answer([...way(), "--method", "prompts/list"]);
    expect(prompts).toHaveLength(3);
  });
});

it("reads a resource", async () => {
  const uri = "workspace://blog/README.md";
  const way = ways[0]?.[1]() ?? [];
  const { contents } = await answer([...way, "--method", "resources/read", "--uri", uri]);
  expect(contents).toMatchObject([{ uri, text: "# Blog\n" }]);
});

it("is refused without a token", async () => {
  const args = [serving.server.url, "--transport", "http", "--method", "tools/list"];
  const { code, stdout } = await inspect(args);
  expect(code).not.toBe(0);
  expect(stdout).not.toContain("read_code");
});

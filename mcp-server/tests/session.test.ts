/** A whole session, by a client that we did not write: from an empty workspace to a mistake that is taken back. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterEach, describe, expect, it } from "vitest";
import { serveProtocol } from "./protocol-serving.ts";

const main = join(import.meta.dirname, "../src/main.ts");
const after: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of after.splice(0)) await step();
});

interface Session {
  client: Client;
  /** Folder that the tools work in. */
  workspace: string;
}

async function overHttp(era: "modern" | "legacy"): Promise<Session> {
  const serving = await serveProtocol();
  after.push(() => serving.stop());
  return { client: await serving.connect({ era }), workspace: serving.workspace };
}

async function overStdio(era: "modern" | "legacy"): Promise<Session> {
  const workspace = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
  const client = new Client(
    { name: "tests", version: "1" },
    { versionNegotiation: { mode: era === "modern" ? { pin: "2026-07-28" } : "legacy" } },
  );
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [main, "stdio", "--workspace", workspace],
    stderr: "inherit",
  });
  after.push(async () => {
    await client.close();
    rmSync(workspace, { recursive: true, force: true });
  });
  await client.connect(transport);
  return { client, workspace };
}

describe.each([
  ["HTTP, 2026-07-28", () => overHttp("modern")],
  ["HTTP, 2025-11-25", () => overHttp("legacy")],
  ["stdio, 2026-07-28", () => overStdio("modern")],
  ["stdio, 2025-11-25", () => overStdio("legacy")],
])("over %s", (_, open) => {
  it("creates a project, writes, searches, edits, breaks, looks back and undoes", async () => {
    const { client, workspace } = await open();
    const call = async (name: string, args: Record<string, unknown>) => {
      const { isError, content, structuredContent } = await client.callTool({
        name,
        arguments: args,
      });
      const text = content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
      if (isError) throw new Error(`${name}: ${text}`);
      return { text, structured: (structuredContent ?? {}) as Record<string, unknown> };
    };
    const project = "shop";
    const content = (path: string) => readFileSync(join(workspace, project, path), "utf8");

    await call("create_project", { project, description: "A shop" });
    for (let n = 0; n < 10; n++) {
      await call("write_code", {
        project,
        path: `src/part${n}.ts`,
        content: `export const part${n} = ${n};\nexport const price = ${n} * 100;\n`,
      });
    }
    const tree = await call("tree", { project });
    expect(tree.text).toContain("part9.ts");

    const found = await call("search_code", { project, query: "part7 = " });
    expect(found.text).toContain("src/part7.ts");

    const read = await call("read_code", { project, path: "src/part7.ts" });
    expect(read.text).toContain("price = 7 * 100");
    const edited = await call("edit_code", {
      project,
      path: "src/part7.ts",
      if_match: read.structured.etag,
      edits: [{ old_text: "7 * 100", new_text: "7 * 99" }],
      reason: "a discount",
    });
    expect(edited.text).toContain("+export const price = 7 * 99;");

    // Somebody else's etag is no longer good; nothing is lost silently.
    const late = await client.callTool({
      name: "write_code",
      arguments: { project, path: "src/part7.ts", content: "", if_match: read.structured.etag },
    });
    expect(late.isError).toBe(true);

    const broken = await call("write_code", {
      project,
      path: "src/part7.ts",
      content: "oops",
      reason: "a slip",
    });
    const history = await call("history", { project, path: "src/part7.ts" });
    expect(history.text).toContain("a slip");
    expect(history.text).toContain("a discount");

    const difference = await call("diff", { project, path: "src/part7.ts" });
    expect(difference.text).toContain("oops");

    await call("restore_version", { project, change: broken.structured.change });
    expect(content("src/part7.ts")).toBe("export const part7 = 7;\nexport const price = 7 * 99;\n");

    const uri = "workspace://shop/src/part7.ts";
    const { contents } = await client.readResource({ uri });
    expect(contents).toMatchObject([{ uri, text: content("src/part7.ts") }]);
  });
});

/** A server on a free loopback port with a workspace of its own, and clients of both protocol eras. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type RunningServer, startServer } from "../src/http.ts";

export const token = "a-token-for-tests-only-0123456789";

export interface Serving {
  server: RunningServer;
  /** Folder the tools work in. */
  workspace: string;
  /** Folder beside it that no tool may reach. */
  outside: string;
  /** Connects an official client; "modern" speaks 2026-07-28 only, "legacy" 2025-11-25. */
  connect(era?: "modern" | "legacy", bearer?: string): Promise<Client>;
  stop(): Promise<void>;
}

export async function serve(allowedHosts: string[] = []): Promise<Serving> {
  const folder = await mkdtemp(join(tmpdir(), "aihub-mcp-"));
  const [workspace, outside] = [join(folder, "workspace"), join(folder, "outside")];
  await Promise.all([mkdir(workspace), mkdir(outside)]);
  const server = await startServer({ workspace, token, host: "127.0.0.1", port: 0, allowedHosts });
  const clients: Client[] = [];
  return {
    server,
    workspace,
    outside,
    async connect(era = "modern", bearer = token) {
      const client = new Client(
        { name: "tests", version: "1" },
        { versionNegotiation: { mode: era === "modern" ? { pin: "2026-07-28" } : "legacy" } },
      );
      const headers = { Authorization: `Bearer ${bearer}` };
      await client.connect(
        new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } }),
      );
      clients.push(client);
      return client;
    },
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      await server.close(1000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Called {
  isError: boolean;
  /** First text block. */
  text: string;
  structured: Record<string, unknown>;
}

export async function call(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Called> {
  const result = await client.callTool({ name, arguments: args });
  const first = result.content[0];
  return {
    isError: result.isError === true,
    text: first?.type === "text" ? first.text : "",
    structured: (result.structuredContent ?? {}) as Record<string, unknown>,
  };
}

/** A call that must succeed. */
export async function callOk(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Called> {
  const called = await call(client, name, args);
  if (called.isError) throw new Error(`${name} ${JSON.stringify(args)}: ${called.text}`);
  return called;
}

/** A call that must fail; returns its message. */
export async function callError(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const called = await call(client, name, args);
  if (!called.isError)
    throw new Error(`${name} ${JSON.stringify(args)} did not fail: ${called.text}`);
  return called.text;
}

/** The whole server on a free loopback port, with a workspace of its own, and official clients with tokens of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Scope } from "../src/access/caller.ts";
import { createToken } from "../src/access/tokens.ts";
import { type RunningServer, startServer } from "../src/http/server.ts";

export interface ProtocolServing {
  server: RunningServer;
  /** Folder that the tools work in. */
  workspace: string;
  /** Writes a file as another program would. */
  put(path: string, content: string | Buffer): void;
  /** A client with a token; by default one that may do everything. */
  connect(as?: Access): Promise<Client>;
  /** The secret of a new token. */
  token(as?: Access): string;
  stop(): Promise<void>;
}

export interface Access {
  era?: "modern" | "legacy";
  scopes?: Scope[];
  projects?: string[];
}

export async function serveProtocol(): Promise<ProtocolServing> {
  const folder = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  const tokensFile = join(folder, "tokens.json");
  let made = 0;
  const token = ({ scopes, projects }: Access = {}) =>
    createToken(tokensFile, {
      name: `test-${++made}`,
      scopes: scopes ?? ["read", "write", "delete"],
      projects: projects ?? "all",
    });
  // A server that nobody could use does not start.
  token();
  const server = await startServer({ workspace, tokensFile, host: "127.0.0.1", port: 0 });
  const clients: Client[] = [];
  return {
    server,
    workspace,
    token,
    put(path, content) {
      mkdirSync(dirname(join(workspace, path)), { recursive: true });
      writeFileSync(join(workspace, path), content);
    },
    async connect(as = {}) {
      const client = new Client(
        { name: "tests", version: "1" },
        {
          versionNegotiation: { mode: as.era === "legacy" ? "legacy" : { pin: "2026-07-28" } },
        },
      );
      const headers = { Authorization: `Bearer ${token(as)}` };
      await client.connect(
        new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } }),
      );
      clients.push(client);
      return client;
    },
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      await server.close(1000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

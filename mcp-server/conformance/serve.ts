/** The real server with the suite's fixtures, on a free loopback port and a workspace of its own. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../src/http/server.ts";
import { conformanceExtension } from "./fixtures/extension.ts";

export interface ConformanceServer {
  url: string;
  close(): Promise<void>;
}

export async function serveFixtures(): Promise<ConformanceServer> {
  const folder = await mkdtemp(join(tmpdir(), "aihub-conformance-"));
  const workspace = join(folder, "workspace");
  await mkdir(join(workspace, "blog"), { recursive: true });
  await writeFile(join(workspace, "blog", "README.md"), "# Blog\n");
  const server = await startServer({
    workspace,
    host: "127.0.0.1",
    port: 0,
    // The suite cannot send a token.
    anonymous: {
      token: "conformance",
      scopes: new Set(["read", "write", "delete"]),
      projects: "all",
    },
    extension: conformanceExtension(),
  });
  return {
    url: server.url,
    async close() {
      await server.close(1000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

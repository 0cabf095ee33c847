/** The hub's own servers, each bundled to one file that needs no npm on the host. */
import { fileURLToPath } from "node:url";
import { bundle } from "../mcp-server/bundle.ts";

export interface Bundles {
  mcpServer: string;
  hubServer: string;
  setup: string;
  /** Runs on the host itself. */
  recovery: string;
}

export async function bundleServers(): Promise<Bundles> {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const [mcpServer, hubServer, setup, recovery] = await Promise.all([
    bundle(path("../mcp-server/src/main.ts"), path("..")),
    bundle(path("../hub-server/main.ts"), path("..")),
    bundle(path("../setup/main.ts"), path("..")),
    bundle(path("../recovery/main.ts"), path("..")),
  ]);
  return { mcpServer, hubServer, setup, recovery };
}

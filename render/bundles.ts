/** The hub's own servers, each bundled to one file that needs no npm on the host. */
import { build } from "esbuild";

export interface Bundles {
  mcpServer: string;
  setup: string;
}

export async function bundleServers(): Promise<Bundles> {
  const [mcpServer, setup] = await Promise.all([
    bundle("../mcp-server/src/main.ts"),
    bundle("../setup/main.ts"),
  ]);
  return { mcpServer, setup };
}

async function bundle(entry: string): Promise<string> {
  const root = new URL("..", import.meta.url).pathname;
  const result = await build({
    absWorkingDir: root,
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    // Where node_modules really lies must not show in the bundle: same sources, same bytes, in every checkout.
    preserveSymlinks: true,
    platform: "node",
    target: "node24",
    format: "esm",
    write: false,
    legalComments: "none",
    // CommonJS packages inside an ES module bundle still ask for require.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "silent",
  });
  const output = result.outputFiles[0];
  if (!output) throw new Error(`esbuild made nothing of ${entry}`);
  return output.text;
}

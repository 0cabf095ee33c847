/**
 * Makes a server one file that runs without an npm install. `node bundle.ts` writes `dist/main.mjs`, which is what the package
 * ships: Node strips no types below node_modules.
 */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The bundle of an entry file as text: same sources, same bytes, in every checkout. */
export async function bundle(entry: string, root: string): Promise<string> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    // What the checks are told is no business of the bundle, which else depends on where it is made.
    tsconfigRaw: "{}",
    // Where node_modules really lies must not show in the bundle.
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

if (import.meta.main) {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  await mkdir(path("dist"), { recursive: true });
  const text = await bundle(path("src/main.ts"), path(".."));
  await writeFile(path("dist/main.mjs"), `#!/usr/bin/env node\n${text}`);
  await chmod(path("dist/main.mjs"), 0o755);
}

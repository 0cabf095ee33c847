import { spawnSync } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundles, bundleServers } from "../../render/bundles.ts";

const root = new URL("../../", import.meta.url).pathname;

describe("the bundled servers", () => {
  let bundles: Bundles;
  let folder: string;

  beforeAll(async () => {
    bundles = await bundleServers();
    folder = await mkdtemp(join(tmpdir(), "aihub-bundles-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("run where there is nothing but Node", async () => {
    await writeFile(join(folder, "main.mjs"), bundles.mcpServer);
    const run = spawnSync(process.execPath, [join(folder, "main.mjs"), "--help"], {
      cwd: folder,
      env: {},
      encoding: "utf8",
    });
    expect(run.stderr).toBe("");
    expect(run.stdout).toContain("--workspace");
  });

  it("are the same bytes from another checkout, whose packages lie elsewhere", async () => {
    const other = join(folder, "checkout");
    const parts = [
      "render",
      "setup",
      "hub",
      "mcp-server",
      "hub-server",
      "recovery",
      "package.json",
    ];
    for (const part of parts) {
      await cp(join(root, part), join(other, part), {
        recursive: true,
        filter: (source) => !source.includes("/node_modules"),
      });
    }
    await symlink(join(root, "node_modules"), join(other, "node_modules"));
    const run = spawnSync(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        "--input-type=module",
        "-e",
        `const { bundleServers } = await import(${JSON.stringify(join(other, "render/bundles.ts"))}); process.stdout.write(JSON.stringify(await bundleServers()))`,
      ],
      { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
    );
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout === JSON.stringify(bundles)).toBe(true);
  });

  it("name no path of the machine they were made on", () => {
    expect(bundles.mcpServer).not.toContain(root);
    expect(bundles.setup).not.toContain(root);
  });
});

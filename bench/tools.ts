/** What we are measured against, downloaded once into this user's cache; no dependency of this package. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { UserError } from "../hub/user-error.ts";
import { cached, keyOf } from "../scripts/toolchain/cache.ts";

const packages = {
  "@modelcontextprotocol/server-filesystem": "2026.8.31",
  supergateway: "4.0.0",
};

export interface Peers {
  /** Scripts for Node. */
  official: string;
  supergateway: string;
  ripgrep: string;
  versions: Record<string, string>;
}

/** Throws UserError when something can neither be found nor got. */
export async function peers(): Promise<Peers> {
  const folder = await cached(
    { kind: "bench", name: "peers", key: keyOf([JSON.stringify(packages)]) },
    async (target) => {
      await mkdir(target, { recursive: true });
      await writeFile(join(target, "package.json"), JSON.stringify({ dependencies: packages }));
      await execa("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
        cwd: target,
      });
    },
  );
  const at = (path: string) => join(folder, "node_modules", path);
  const ripgrep = await ripgrepVersion();
  return {
    official: at("@modelcontextprotocol/server-filesystem/dist/index.js"),
    supergateway: at("supergateway/dist/index.js"),
    ripgrep: "rg",
    versions: { ...packages, ripgrep },
  };
}

async function ripgrepVersion(): Promise<string> {
  const find = () => execa("rg", ["--version"], { reject: false });
  let found = await find();
  if (found.exitCode !== 0 && process.getuid?.() === 0) {
    await execa("apt-get", ["install", "-y", "-q", "ripgrep"], { reject: false });
    found = await find();
  }
  if (found.exitCode !== 0)
    throw new UserError(
      "ripgrep is missing, which the search is measured against. Install it: apt-get install ripgrep",
    );
  return /ripgrep (\S+)/.exec(found.stdout)?.[1] ?? "?";
}

/**
 * Runs `scripts/<entry>.ts`, having made sure that it can run: the locked packages are installed, and Node is one
 * that runs TypeScript. Plain JavaScript for any Node from 18 on, because it is what gets the newer one.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [entry, ...args] = process.argv.slice(2);
const script = join(root, "scripts", `${entry}.ts`);
if (!entry || !/^[a-z-]+$/.test(entry) || !existsSync(script)) {
  console.error("Usage: node scripts/run.mjs <entry> [arguments]; see the scripts of package.json");
  process.exit(2);
}

installPackages();
run(nodeForTypeScript());

/** Installs what the lock file says, once per lock file. Prints to standard error: standard output belongs to the entry. */
function installPackages() {
  const locked = createHash("sha256");
  for (const file of ["package.json", "package-lock.json", "mcp-server/package.json"]) {
    locked.update(readFileSync(join(root, file)));
  }
  const digest = locked.digest("hex");
  const stamp = join(root, "node_modules", ".aihub-installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.error("▸ Installing npm packages (once per lock file)");
  const started = Date.now();
  // Not `npm ci`: it insists on packages for other platforms that some registries do not carry.
  const result = spawnSync("npm", ["install", "--no-save", "--no-progress", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (result.status !== 0) {
    console.error(
      "✘ npm install failed. Check that the npm registry is reachable, then run again.",
    );
    process.exit(1);
  }
  writeFileSync(stamp, digest);
  console.error(`✔ Installing npm packages (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/** This Node when it runs the sources as they are (24 or later), else the one that came with the packages. */
function nodeForTypeScript() {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  const bundled = join(
    root,
    "node_modules",
    `node-${process.platform}-${process.arch}`,
    "bin",
    "node",
  );
  if (existsSync(bundled)) return bundled;
  console.error(
    `Node ${process.versions.node} cannot run TypeScript, and no newer one comes with the packages on ` +
      `${process.platform}-${process.arch}.\n  Install Node 24 or later from https://nodejs.org`,
  );
  process.exit(1);
}

function run(node) {
  const child = spawn(node, ["--disable-warning=ExperimentalWarning", script, ...args], {
    stdio: "inherit",
  });
  // A terminal sends Ctrl-C to the child as well; what is sent to this process alone is passed on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => child.kill("SIGHUP"));
  child.on("exit", (code, signal) => {
    process.exit(code ?? (signal === "SIGINT" ? 130 : 143));
  });
}

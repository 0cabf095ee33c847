/** What a build needs from this machine to reach package registries from here: authorities and proxies. */
import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";

const authorityVariables = [
  "SSL_CERT_FILE",
  "NODE_EXTRA_CA_CERTS",
  "PIP_CERT",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
];

/**
 * The bundles of certificate authorities that the environment names, each once. Networks that look into
 * TLS have one; everywhere else the list is empty.
 */
export function authorityBundles(env: NodeJS.ProcessEnv = process.env): string[] {
  const named = authorityVariables.map((name) => env[name]).filter((path) => path !== undefined);
  return [...new Set(named)].filter((path) => existsSync(path));
}

/** Puts the bundles into `folder` (made when missing), for stages of a build that are thrown away. */
export async function copyAuthorities(
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [index, path] of authorityBundles(env).entries()) {
    await copyFile(path, join(folder, `${index}.pem`));
  }
}

/** `--build-arg` flags that hand this machine's proxies to a build; Docker keeps them out of the image. */
export function proxyBuildArgs(env: NodeJS.ProcessEnv = process.env): string[] {
  const names = ["http_proxy", "https_proxy", "no_proxy"];
  return [...names, ...names.map((name) => name.toUpperCase())]
    .filter((name) => env[name])
    .flatMap((name) => ["--build-arg", name]);
}

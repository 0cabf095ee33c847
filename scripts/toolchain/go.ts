/** Go programs from their modules: by the machine's own Go, else by one in a container. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { authorityBundles } from "../../rehearsal/images/machine-trust.ts";
import type { Log } from "../progress.ts";
import { cacheDir } from "./cache.ts";
import { run } from "./run.ts";

export interface GoRun {
  /** Arguments for go, which see the target at this path; what it installs goes to its folder bin. */
  args(target: string): string[];
  /** Folder of the module to work in; unset: none. */
  module?: string;
  target: string;
  /** Image in which Go is installed for this run; unset: the machine's own Go. */
  image: string | undefined;
}

/** Whether this machine has a Go that fetches newer ones by itself. */
export async function hasGo(): Promise<boolean> {
  const { exitCode, stdout } = await execa("go", ["env", "GOVERSION"], { reject: false, cwd: "/" });
  const minor = /^go1\.(\d+)/.exec(stdout?.trim() ?? "")?.[1];
  // From 1.21 on, Go fetches the newer Go that a module asks for.
  return exitCode === 0 && Number(minor) >= 21;
}

const environment = {
  CGO_ENABLED: "0",
  GOTOOLCHAIN: "auto",
  GOWORK: "off",
  GOFLAGS: "-buildvcs=false",
};

export async function runGo(log: Log, { args, module, target, image }: GoRun): Promise<void> {
  if (image !== undefined) return runInContainer(log, { args, module, target, image });
  await run(log, "go", args(target), {
    cwd: module ?? "/",
    env: { ...environment, GOBIN: join(target, "bin") },
  });
}

async function runInContainer(
  log: Log,
  {
    args,
    module,
    target,
    image,
  }: Omit<GoRun, "module" | "image"> & { module: string | undefined; image: string },
): Promise<void> {
  // Modules and compiled packages stay, so that an interrupted build goes on where it was.
  const goFiles = cacheDir("go");
  await mkdir(goFiles, { recursive: true });
  const authorities = authorityBundles();
  const proxies = ["http_proxy", "https_proxy", "no_proxy", "GOPROXY", "GONOSUMDB", "GOSUMDB"];
  const script = [
    "set -e",
    "apt-get update -qq",
    "apt-get install -y -qq --no-install-recommends golang-go >/dev/null",
    "cat /authorities/*.pem >>/etc/ssl/certs/ca-certificates.crt 2>/dev/null || true",
    'mkdir -p /module && cd /module && exec go "$@"',
  ].join("\n");
  await run(log, "docker", [
    ...["run", "--rm", "--network", "host", "--volume", `${target}:/target`],
    ...(module === undefined ? [] : ["--volume", `${module}:/module:ro`]),
    ...["--volume", `${goFiles}:/go`, "--env", "GOPATH=/go", "--env", "GOCACHE=/go/build"],
    ...Object.entries({ ...environment, GOBIN: "/target/bin" }).flatMap(([name, value]) => [
      "--env",
      `${name}=${value}`,
    ]),
    ...proxies.filter((name) => process.env[name]).flatMap((name) => ["--env", name]),
    ...authorities.flatMap((path, index) => ["--volume", `${path}:/authorities/${index}.pem:ro`]),
    ...[image, "sh", "-c", script, "sh", ...args("/target")],
  ]);
  await rm(goFiles, { recursive: true, force: true });
}

/** Brings up what a rehearsal needs: the engine, a Docker engine, the images, the simulated cloud, the providers. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { openSync } from "node:fs";
import { glob, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../hub/user-error.ts";
import type { Progress } from "../scripts/progress.ts";
import { ensurePulumi } from "../scripts/toolchain/index.ts";
import type { ImageSet } from "./images/index.ts";
import type { Instance } from "./instance.ts";
import { requireOwnAddresses } from "./own-addresses.ts";
import { prepareRehearsal } from "./prepare.ts";
import { startProviders } from "./providers/index.ts";
import { type Daemon, runningCloud, stopCloud } from "./running-cloud.ts";

export interface Rehearsal {
  /** Folder holding bin/pulumi. */
  pulumiRoot: string;
  /** What the engine and the program find in their environment. */
  env: Record<string, string>;
  /** Ends the providers; the simulated cloud goes on, as a cloud does. */
  close(): Promise<void>;
}

const root = new URL("..", import.meta.url).pathname;

export async function startRehearsal(
  instance: Instance,
  progress: Progress,
  options: { realProviders?: boolean; engineOnly?: boolean } = {},
): Promise<Rehearsal> {
  await mkdir(instance.cloudDir, { recursive: true, mode: 0o700 });
  const token = await secretFile(join(instance.stateDir, "token"));
  const passphrase = await secretFile(join(instance.stateDir, "passphrase"));
  if (options.engineOnly) {
    const pulumi = await ensurePulumi(progress);
    return {
      pulumiRoot: pulumi.root,
      env: { PULUMI_CONFIG_PASSPHRASE: passphrase },
      close: async () => {},
    };
  }
  const { pulumi, images, s3Server } = await prepareRehearsal(progress);
  const { apiUrl, spacesUrl } = await ensureCloud(instance, { images, s3Server }, progress);
  const providers = options.realProviders
    ? undefined
    : await startProviders({
        ...{ apiUrl, spacesUrl, token },
        logFile: join(instance.stateDir, "providers.log"),
      });
  return {
    pulumiRoot: pulumi.root,
    env: {
      DIGITALOCEAN_TOKEN: token,
      DIGITALOCEAN_API_URL: apiUrl,
      SPACES_ENDPOINT_URL: spacesUrl,
      PULUMI_CONFIG_PASSPHRASE: passphrase,
      ...(providers ? { PULUMI_DEBUG_PROVIDERS: providers.debugProviders } : {}),
    },
    close: async () => providers?.close(),
  };
}

/** A random secret kept in a file that only its owner reads. */
async function secretFile(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    const secret = randomBytes(24).toString("hex");
    await writeFile(path, `${secret}\n`, { mode: 0o600, flag: "wx" });
    return secret;
  }
}

/** The running daemon and its addresses; starts it when it does not run, anew when its code, images or S3 server changed. */
async function ensureCloud(
  instance: Instance,
  { images, s3Server }: { images: ImageSet; s3Server: string },
  progress: Progress,
): Promise<Daemon> {
  const daemonFile = join(instance.cloudDir, "daemon.json");
  const codeFile = join(instance.stateDir, "cloud-code");
  const imagesFile = join(instance.stateDir, "images.json");
  const code = await codeDigest(images, s3Server);
  const running = await runningCloud(instance);
  if (running) {
    if ((await readFile(codeFile, "utf8").catch(() => "")) === code) return running;
    await stopCloud(instance);
  }
  await requireOwnAddresses(instance);
  return progress.step("Starting the simulated DigitalOcean", async (log) => {
    await writeFile(imagesFile, JSON.stringify(images));
    await rm(daemonFile, { force: true });
    const logFile = join(instance.stateDir, "cloud.log");
    const output = openSync(logFile, "a", 0o600);
    const child = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        join(root, "rehearsal/cloud/main.ts"),
        ...[
          "--state",
          instance.cloudDir,
          "--block",
          String(instance.block),
          "--instance",
          instance.name,
        ],
        ...["--token-file", join(instance.stateDir, "token"), "--images", imagesFile],
        ...["--s3-server", s3Server],
        ...(instance.publishLocalhost ? ["--publish-localhost"] : []),
      ],
      { detached: true, stdio: ["ignore", output, output], cwd: "/" },
    );
    child.unref();
    let exit: number | null | undefined;
    child.on("exit", (status) => {
      exit = status;
    });
    for (let tries = 0; tries < 1_800; tries++) {
      const daemon = await runningCloud(instance);
      if (daemon) {
        await writeFile(codeFile, code);
        return daemon;
      }
      if (exit !== undefined) {
        const said = (await readFile(logFile, "utf8")).trim().split("\n").slice(-8);
        for (const line of said) log(line);
        throw new UserError(`The simulated DigitalOcean did not start:\n  ${said.join("\n  ")}`);
      }
      await sleep(100);
    }
    throw new UserError(
      `The simulated DigitalOcean did not get ready within three minutes; see ${logFile}`,
    );
  });
}

/** Changes when the daemon would behave differently. */
async function codeDigest(images: ImageSet, s3Server: string): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([images, s3Server, process.version]));
  const files: string[] = [];
  for await (const file of glob("rehearsal/{cloud,droplet}/**/*.ts", { cwd: root })) {
    if (!file.endsWith(".test.ts")) files.push(file);
  }
  for (const file of files.sort()) hash.update(await readFile(join(root, file)));
  return hash.digest("hex");
}

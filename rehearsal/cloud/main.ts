/** The simulated DigitalOcean as a process of its own: says in daemon.json when it is ready, ends on SIGTERM. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { UserError } from "../../hub/user-error.ts";
import { dockerDriver } from "../droplet/driver.ts";
import { machineAddress } from "../droplet/machine-address.ts";
import { ownerOf } from "./owner.ts";
import { startCloud } from "./server.ts";
import { timestamp } from "./state.ts";

const usage =
  "usage: main.ts --state DIR --block N --token-file FILE --images FILE --instance NAME [--s3-server PROGRAM] [--publish-localhost]";

const imageSet = z.object({
  droplets: z.record(z.string(), z.string()),
  dockerDisk: z.string(),
});

function options() {
  const { values } = parseArgs({
    options: {
      state: { type: "string" },
      block: { type: "string" },
      "token-file": { type: "string" },
      images: { type: "string" },
      instance: { type: "string" },
      "s3-server": { type: "string" },
      "publish-localhost": { type: "boolean", default: false },
    },
  });
  const { state, block, images, instance } = values;
  const tokenFile = values["token-file"];
  if (!state || !block || !images || !instance || !tokenFile) throw new UserError(usage);
  if (!/^\d+$/.test(block) || Number(block) < 1 || Number(block) > 254) {
    throw new UserError(`--block ${block} is not a number from 1 to 254`);
  }
  return {
    stateDir: state,
    block: Number(block),
    token: readFileSync(tokenFile, "utf8").trim(),
    images: imageSet.parse(JSON.parse(readFileSync(images, "utf8"))),
    instance,
    s3Server: values["s3-server"],
    publishLocalhost: values["publish-localhost"],
  };
}

/** Ports of object storage, one for each block: droplets keep its address over restarts of the daemon. */
const SPACES_PORTS_FROM = 9000;

/** One daemon per state directory. The kernel frees the name when the process ends, however it ends. */
function claim(stateDir: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new UserError(`A simulated DigitalOcean runs on ${stateDir} already; see daemon.json.`)
          : error,
      ),
    );
    server.listen(`\0${ownerOf(stateDir)}`, () => resolve(server));
  });
}

async function main(): Promise<void> {
  const args = options();
  mkdirSync(args.stateDir, { recursive: true, mode: 0o700 });
  const held = await claim(args.stateDir);
  const cloud = await startCloud({
    ...args,
    driver: dockerDriver(args),
    ...(args.s3Server
      ? {
          spaces: {
            program: args.s3Server,
            // Droplets reach the first; the machine itself both, also while Docker does not run.
            addresses: [await machineAddress(), `127.${args.block}.0.1`],
            port: SPACES_PORTS_FROM + args.block,
          },
        }
      : {}),
    log: (line) => void process.stdout.write(`${timestamp()} ${line}\n`),
  });
  const daemonFile = join(args.stateDir, "daemon.json");
  writeFileSync(
    `${daemonFile}.next`,
    JSON.stringify({ pid: process.pid, apiUrl: cloud.url, spacesUrl: cloud.spacesUrl }),
  );
  renameSync(`${daemonFile}.next`, daemonFile);
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    void cloud.close().finally(() => {
      rmSync(daemonFile, { force: true });
      held.close();
      process.exit(0);
    });
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

main().catch((error: unknown) => {
  const text =
    error instanceof UserError ? error.message : error instanceof Error ? error.stack : error;
  process.stderr.write(`${text}\n`);
  process.exit(1);
});

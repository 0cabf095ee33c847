/** A Docker engine on this machine, and the few system programs that the rehearsal needs beside it. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";
import type { Progress } from "../progress.ts";
import { cacheDir } from "./cache.ts";
import { installPackages, updatePackageLists } from "./debian-packages.ts";
import { requireDiskSpace } from "./disk-space.ts";
import { run } from "./run.ts";

/** Programs the images and droplets are made with, and the Debian package of each. */
const programs: Record<string, string> = {
  debootstrap: "debootstrap",
  "mkfs.ext4": "e2fsprogs",
  losetup: "mount",
  flock: "util-linux",
};

const FREE_GIB = 15;
const START_TIMEOUT_S = 90;

/**
 * Makes sure that a Docker engine answers on this machine and that the programs beside it are there; installs
 * them from the Debian or Ubuntu archive and starts `dockerd` when not. With `interactive` asks on a
 * terminal before it installs anything. Throws a UserError when that is not possible here.
 */
export async function ensureDocker(
  progress: Progress,
  options: { interactive: boolean },
): Promise<void> {
  if (process.platform !== "linux") {
    throw new UserError(
      `The rehearsal needs Linux: its droplets are containers with disks of their own, and this is ${process.platform}.\n` +
        "  fix: run it in a Debian or Ubuntu virtual machine",
    );
  }
  if (process.env.DOCKER_HOST && !(await answers())) {
    // A second engine on this machine would take the first one's network away.
    throw new UserError(
      `DOCKER_HOST is set to ${process.env.DOCKER_HOST}, and no Docker engine answers there.\n` +
        "  fix: start that engine, or unset DOCKER_HOST to use this machine's own",
    );
  }
  if (process.getuid?.() !== 0) {
    throw new UserError(
      "The rehearsal needs root: it makes loop devices, mounts disks and runs containers that boot.\n" +
        "  fix: run it again as root, for example with `sudo --preserve-env`, best in a virtual machine",
    );
  }
  const missing = await missingPackages();
  if (missing.length > 0) await install(progress, missing, options.interactive);
  if (!(await answers())) await start(progress);
}

async function answers(): Promise<boolean> {
  const { exitCode } = await execa("docker", ["info"], { reject: false, timeout: 20_000 });
  return exitCode === 0;
}

async function onPath(program: string): Promise<boolean> {
  const look = ["-c", 'command -v "$1"', "sh", program];
  const { exitCode } = await execa("sh", look, { reject: false });
  return exitCode === 0;
}

async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  // An engine that answers may as well be one that was not installed from the archive.
  if (!(await answers()) && !(await onPath("dockerd"))) missing.push("docker.io", "iptables");
  for (const [program, name] of Object.entries(programs)) {
    if (!(await onPath(program))) missing.push(name);
  }
  if (missing.includes("debootstrap")) missing.push("debian-archive-keyring");
  return missing;
}

async function install(
  progress: Progress,
  packages: string[],
  interactive: boolean,
): Promise<void> {
  const list = packages.join(" ");
  if (!(await onPath("apt-get"))) {
    throw new UserError(
      `The rehearsal needs the programs of these Debian packages, and this machine has no apt-get: ${list}\n` +
        "  fix: install them with this system's own package manager (Docker with its engine running), then run again",
    );
  }
  await requireDiskSpace(["/var/lib/docker", cacheDir()], FREE_GIB);
  if (interactive && process.stdin.isTTY) {
    const question = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await question.question(`Install ${list} with apt-get on this machine? [Y/n] `);
    question.close();
    if (/^n/i.test(answer.trim())) {
      throw new UserError(
        `Nothing was installed. The rehearsal needs: ${list}\n` +
          "  fix: install them yourself, or run again and answer yes",
      );
    }
  }
  await progress.step(`Installing ${list}`, async (log) => {
    try {
      await updatePackageLists(log);
      // Newer releases keep the client in a package of its own.
      const client = await execa("apt-cache", ["show", "docker-cli"], { reject: false });
      const all =
        packages.includes("docker.io") && client.exitCode === 0
          ? [...packages, "docker-cli"]
          : packages;
      await installPackages(log, all);
    } catch (error) {
      throw new UserError(
        `apt-get could not install ${list}; its last lines are above.\n` +
          "  fix: check that this machine reaches its package archive (apt-get update), then run again",
        { cause: error },
      );
    }
  });
}

async function start(progress: Progress): Promise<void> {
  await requireDiskSpace(["/var/lib/docker", cacheDir()], FREE_GIB);
  await progress.step("Starting the Docker engine", async (log) => {
    if (existsSync("/run/systemd/system")) {
      await run(log, "systemctl", ["start", "docker.service"]).catch((error: unknown) => {
        throw new UserError(
          "systemd could not start docker.service.\n  fix: journalctl -u docker.service -n 30 shows why",
          { cause: error },
        );
      });
      await untilAnswers(() => false, "journalctl -u docker.service");
      return;
    }
    await mkdir(cacheDir(), { recursive: true });
    const logFile = cacheDir("dockerd.log");
    const output = await open(logFile, "a");
    const engine = spawn("dockerd", [], {
      cwd: "/",
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
    });
    let ended = false;
    engine.on("exit", () => {
      ended = true;
    });
    engine.on("error", (error) => {
      ended = true;
      log(error.message);
    });
    engine.unref();
    await output.close();
    await untilAnswers(() => ended, logFile, log);
  });
}

async function untilAnswers(
  hasEnded: () => boolean,
  logPlace: string,
  log?: (line: string) => void,
): Promise<void> {
  for (let second = 0; second < START_TIMEOUT_S; second++) {
    if (await answers()) return;
    // Another engine may be starting, which is why ours ended: that one gets some more time.
    if (hasEnded() && second >= 5) break;
    await sleep(1000);
  }
  if (log) {
    const text = await readFile(logPlace, "utf8").catch(() => "");
    for (const line of text.trimEnd().split("\n").slice(-10)) log(line);
  }
  throw new UserError(
    "The Docker engine was started but does not answer.\n" +
      `  fix: ${logPlace} shows why; inside a container the engine needs a privileged one`,
  );
}

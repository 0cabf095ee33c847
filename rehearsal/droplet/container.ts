/** The container that is a droplet: made, powered, removed, all by the Docker command. */
import { availableParallelism } from "node:os";
import { execa } from "execa";
import { type Pack, pack } from "tar-stream";
import { UserError } from "../../hub/user-error.ts";
import { TABLE_DIR, volumeService } from "./attached-volumes.ts";
import { cloudInitSeed } from "./cloud-init-seed.ts";
import type { DropletSpec, Endpoint } from "./driver.ts";
import { dropletRunFlags } from "./runtime.ts";

export const INSTANCE_LABEL = "aihub.instance";
export const DROPLET_LABEL = "aihub.droplet";

export const containerName = (instance: string, id: number) => `aihub-${instance}-${id}`;

/**
 * Where Docker publishes a droplet's port: on 127.N.3.n for the droplet at 127.N.1.n, moved up so that it meets no program
 * that listens on all addresses. No firewall is in front of it.
 */
export function backendOf(address: string, port: number): Endpoint {
  const [a, b, , d] = address.split(".");
  return { host: `${a}.${b}.3.${d}`, port: port < 32_768 ? port + 32_768 : port };
}

export async function createContainer(args: {
  instance: string;
  image: string;
  spec: DropletSpec;
  dockerDir: string;
  tableDir: string;
}): Promise<void> {
  const { instance, image, spec } = args;
  const name = containerName(instance, spec.id);
  await docker([
    "create",
    ...["--name", name, "--hostname", spec.name],
    ...["--label", `${INSTANCE_LABEL}=${instance}`, "--label", `${DROPLET_LABEL}=${spec.id}`],
    ...limits(spec),
    ...spec.ports.flatMap((port) => {
      const backend = backendOf(spec.address, port);
      return ["--publish", `${backend.host}:${backend.port}:${port}`];
    }),
    ...["--mount", `type=bind,source=${args.dockerDir},target=/var/lib/docker`],
    ...["--mount", `type=bind,source=${args.tableDir},target=${TABLE_DIR},readonly`],
    ...(await dropletRunFlags(image)),
    image,
  ]);
  await putFiles(name, spec);
}

/** New limits of a container that is there. */
export async function limitContainer(
  name: string,
  to: { memoryMib: number; vcpus: number },
): Promise<void> {
  await docker(["update", ...limits(to), name]);
}

/** Asks systemd to halt; Docker cuts it off after the grace. */
export async function stopContainer(name: string, graceSeconds: number): Promise<void> {
  await docker(["stop", "--time", String(graceSeconds), name]);
}

export async function killContainer(name: string): Promise<void> {
  if (await isRunning(name)) await execa("docker", ["kill", name], { reject: false });
  if (await isRunning(name)) throw new Error(`container ${name} does not end`);
}

export async function removeContainer(name: string): Promise<void> {
  const { exitCode, stderr } = await execa("docker", ["rm", "--force", "--volumes", name], {
    reject: false,
  });
  if (exitCode !== 0 && !/no such container/i.test(stderr)) {
    throw new Error(`container ${name} was not removed: ${stderr.trim()}`);
  }
}

export async function startContainer(name: string): Promise<void> {
  await docker(["start", name]);
}

/** Throws when Docker does not answer: "not running" would be a guess then. */
export async function isRunning(name: string): Promise<boolean> {
  const { stdout, stderr, exitCode } = await execa(
    "docker",
    ["container", "inspect", "--format", "{{.State.Running}}", name],
    { reject: false },
  );
  if (exitCode !== 0 && !/no such container/i.test(stderr)) {
    throw new UserError(
      `Docker does not answer: ${stderr.trim() || "the docker command is missing"}\n` +
        "  Start it (npm start does so), then try again.",
    );
  }
  return stdout.trim() === "true";
}

/** Container of the instance's one droplet that is on. @throws Error when there is not exactly one */
export async function runningDroplet(instance: string): Promise<string> {
  const { stdout } = await execa("docker", [
    ...["ps", "--quiet", "--filter", `label=${INSTANCE_LABEL}=${instance}`],
  ]);
  const found = stdout.split("\n").filter(Boolean);
  if (found.length !== 1) throw new Error(`${found.length} droplets are on, not one`);
  return found[0] ?? "";
}

/** Ids of this instance's droplets that do not run. */
export async function stoppedDroplets(instance: string): Promise<number[]> {
  const { stdout } = await execa(
    "docker",
    [
      ...["ps", "--all", "--filter", "status=exited"],
      ...["--filter", `label=${INSTANCE_LABEL}=${instance}`],
      ...["--format", `{{.Label "${DROPLET_LABEL}"}}`],
    ],
    { reject: false },
  );
  return stdout.split("\n").filter(Boolean).map(Number);
}

/** Address inside Docker's own network, for ports that were not published when the container was made. */
export async function containerAddress(name: string): Promise<string> {
  const { stdout } = await docker([
    ...["container", "inspect", "--format"],
    "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
    name,
  ]);
  return stdout.trim();
}

/** Runs the command inside; throws with what it said. */
export async function inContainer(name: string, command: string[]): Promise<string> {
  const { stdout } = await docker(["exec", name, ...command]);
  return stdout;
}

function limits({ memoryMib, vcpus }: { memoryMib: number; vcpus: number }): string[] {
  const memory = `${memoryMib}m`;
  // Docker refuses more processors than there are. Droplets have no swap of their own.
  const cpus = String(Math.min(vcpus, availableParallelism()));
  return ["--memory", memory, "--memory-swap", memory, "--cpus", cpus];
}

async function putFiles(name: string, spec: DropletSpec): Promise<void> {
  const archive = pack();
  for (const file of [...cloudInitSeed(spec), ...volumeService]) {
    archive.entry({ name: file.path.slice(1), mode: file.mode }, file.text);
  }
  link(
    archive,
    "etc/systemd/system/local-fs.target.wants/droplet-volumes.service",
    "/etc/systemd/system/droplet-volumes.service",
  );
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  await execa("docker", ["cp", "-", `${name}:/`], { input: Buffer.concat(chunks) });
}

function link(archive: Pack, name: string, linkname: string): void {
  archive.entry({ name, type: "symlink", linkname });
}

async function docker(args: string[]) {
  return execa("docker", args, { stdin: "ignore" });
}

/** The rehearsal's hub as faults meet it: its droplet from inside, the simulated cloud from outside. */
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Progress } from "../../scripts/progress.ts";
import { containerName } from "../droplet/container.ts";
import { cloudApi } from "../scenarios/cloud-api.ts";
import { hub, instanceName, type Outputs, type Run, type Session } from "../scenarios/hub.ts";

export interface Stage {
  to: Outputs;
  session: Session;
  progress: Progress;
  /** Runs a command as root on the droplet, past SSH and the network; must end with 0. */
  onDroplet(command: string): Promise<string>;
  /** The same, however it ends. */
  tryOnDroplet(command: string): Promise<{ code: number; said: string }>;
  /** Puts a program of this machine into the droplet. */
  put(program: string, path: string): Promise<void>;
  /** Does something to the droplet or its volume by the cloud's API and waits for its end. @returns how it ended */
  act(what: "droplets" | "volumes", body: Record<string, unknown>): Promise<string>;
  hub(...args: string[]): Promise<Run>;
}

export const container = (service: string) => `aihub-${service}-1`;

export async function openStage(to: Outputs, session: Session, progress: Progress): Promise<Stage> {
  const { droplets } = await cloudApi<{ droplets: { id: number }[] }>("GET", "/v2/droplets");
  const { volumes } = await cloudApi<{ volumes: { id: string }[] }>("GET", "/v2/volumes");
  const ids = { droplets: droplets[0]?.id, volumes: volumes[0]?.id };
  const name = containerName(instanceName, ids.droplets ?? 0);

  const tryOnDroplet = async (command: string) => {
    const { exitCode, all } = await execa("docker", ["exec", name, "sh", "-c", command], {
      reject: false,
      all: true,
      stdin: "ignore",
    });
    return { code: exitCode ?? 255, said: String(all ?? "") };
  };
  return {
    ...{ to, session, progress, tryOnDroplet },
    async onDroplet(command) {
      const { exitCode, stdout, stderr } = await execa(
        "docker",
        ["exec", name, "sh", "-c", command],
        { reject: false, stdin: "ignore" },
      );
      if (exitCode !== 0) throw new Error(`on the droplet: ${command}\n${stderr}`);
      return stdout;
    },
    async put(program, path) {
      await execa("docker", ["cp", program, `${name}:${path}`]);
    },
    async act(what, body) {
      const { action } = await cloudApi<{ action: { id: number; status: string } }>(
        "POST",
        `/v2/${what}/${ids[what]}/actions`,
        what === "volumes" ? { droplet_id: ids.droplets, ...body } : body,
      );
      for (;;) {
        const { action: now } = await cloudApi<{ action: { status: string } }>(
          "GET",
          `/v2/actions/${action.id}`,
        );
        if (now.status !== "in-progress") return now.status;
        await sleep(200);
      }
    },
    hub: (...args) => hub(args),
  };
}

/** Health of each service as Docker on the droplet has it; empty while that does not answer. */
export async function healthOf(stage: Stage): Promise<Record<string, string>> {
  const { code, said } = await stage.tryOnDroplet(
    "timeout 20 docker ps -aq --filter label=com.docker.compose.project=aihub --filter label=com.docker.compose.oneoff=False | " +
      `xargs -r timeout 20 docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}}/{{if .State.Health}}{{.State.Health.Status}}{{end}}'`,
  );
  if (code !== 0) return {};
  return Object.fromEntries(
    said
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([name, state]) => name && state)
      .map(([name, state]) => [name as string, state as string]),
  );
}

export const allHealthy = (health: Record<string, string>) =>
  Object.keys(health).length > 0 &&
  Object.values(health).every((state) => state === "running/healthy");

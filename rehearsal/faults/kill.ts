/**
 * A service's main process gets signal 9. By `kill` on the host and not by `docker kill`, which Docker takes for a wish to have it
 * stopped; below the init process of the container, since that is the one that a crash leaves alive.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import { container, type Stage } from "./stage.ts";

const startedAt = (stage: Stage, service: string) =>
  stage.onDroplet(`docker inspect --format '{{.State.StartedAt}}' ${container(service)}`);

/** Kills them at once, and waits until Docker has started each again. @returns when they were killed */
async function killMain(stage: Stage, services: readonly string[]): Promise<number> {
  const before = await Promise.all(services.map((service) => startedAt(stage, service)));
  const pids = services.map(
    (service) => `$(pgrep -o -P $(docker inspect --format '{{.State.Pid}}' ${container(service)}))`,
  );
  const killed = Date.now();
  await stage.onDroplet(`kill -9 ${pids.join(" ")}`);
  for (const [index, service] of services.entries()) {
    while ((await startedAt(stage, service)) === before[index]) {
      if (Date.now() - killed > 60_000) throw new Error(`${service} was not started again`);
      await sleep(200);
    }
  }
  return killed;
}

/** All of them at the same moment. */
export const kill = (...services: string[]): Fault => ({
  name: `kill-${services.join("-")}`,
  what: `\`kill -9\` of ${services.join(", ")}`,
  strike: async (stage) => ({ over: await killMain(stage, services) }),
});

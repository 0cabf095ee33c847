/** A service that others rest on is stopped, and started again. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import { container } from "./stage.ts";

export const stopped = (service: string): Fault => ({
  name: `${service}-stopped`,
  what: `${service} stopped for 15 s`,
  async strike(stage) {
    await stage.onDroplet(`docker stop -t 10 ${container(service)}`);
    await sleep(15_000);
    const over = Date.now();
    await stage.onDroplet(`docker start ${container(service)}`);
    return { over };
  },
});

/** The droplet's power goes, and with it what its memory had not written to the volume. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import { cutDiskOff } from "./lost-disk.ts";

export const powerCut: Fault = {
  name: "power-cut",
  what: "Droplet cut off hard, unwritten memory lost, powered on 5 s later",
  async strike(stage) {
    await cutDiskOff(stage);
    await stage.act("droplets", { type: "power_off" });
    await sleep(5_000);
    const over = Date.now();
    await stage.act("droplets", { type: "power_on" });
    return { over };
  },
};

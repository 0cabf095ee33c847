/**
 * The volume goes from under the running hub, as when somebody detaches it in the cloud's panel. A droplet of the rehearsal shares
 * the kernel with its devices, which are not to be pulled out of a mounted file system; the file system is cut off from it instead.
 * Then it is detached by the API, attached again, and the droplet is started anew.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import { cutDiskOff } from "./lost-disk.ts";

export const lostVolume: Fault = {
  name: "volume-detached",
  what: "Volume detached under load for 10 s, then attached again and the droplet power-cycled",
  async strike(stage) {
    await cutDiskOff(stage);
    await sleep(10_000);
    await stage.act("droplets", { type: "power_off" });
    await stage.act("volumes", { type: "detach" });
    await stage.act("volumes", { type: "attach" });
    const over = Date.now();
    await stage.act("droplets", { type: "power_on" });
    return { over };
  },
};

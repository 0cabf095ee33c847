/** After a restart of the daemon or of the machine: brings every droplet back to where the state says it is. */
import type { Cloud } from "./cloud.ts";
import { plugVolumes } from "./volumes.ts";

export async function readopt(cloud: Cloud): Promise<void> {
  for (const droplet of cloud.state.droplets) {
    // One that is still being made, or is busy, is finished by its own action.
    if (droplet.status === "new" || cloud.isBusy(droplet.id)) continue;
    if (droplet.status === "off" || (await cloud.driver.running(droplet.id))) continue;
    cloud.log(`droplet ${droplet.id} was running and is down: starting it`);
    try {
      await plugVolumes(cloud, droplet.id);
      await cloud.driver.start(droplet.id);
    } catch (error) {
      droplet.status = "off";
      cloud.log(`droplet ${droplet.id} did not start: ${error}`);
    }
  }
}

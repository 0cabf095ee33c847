/** Does the work of a job, whichever resource it belongs to. */
import type { Cloud } from "./cloud.ts";
import { performPower, performResize, performSettings } from "./droplet-actions.ts";
import { performCreate, performDestroy } from "./droplets.ts";
import type { Job } from "./job.ts";
import { performReservedIp } from "./reserved-ips.ts";
import { performVolume } from "./volumes.ts";

export async function perform(cloud: Cloud, job: Job): Promise<void> {
  switch (job.do) {
    case "create-droplet":
      return performCreate(cloud, job.droplet, job.volumes);
    case "destroy-droplet":
      return performDestroy(cloud, job.droplet);
    case "power-on":
    case "power-off":
    case "shutdown":
    case "reboot":
    case "power-cycle":
      return performPower(cloud, job);
    case "resize-droplet":
      return performResize(cloud, job);
    case "rename-droplet":
    case "set-backups":
    case "enable-ipv6":
      return performSettings(cloud, job);
    case "attach-volume":
    case "detach-volume":
    case "resize-volume":
      return performVolume(cloud, job);
    case "assign-ip":
    case "unassign-ip":
      return performReservedIp(cloud, job);
  }
}

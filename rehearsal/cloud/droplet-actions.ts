/** Power, resize, rename, backups: what is done to a droplet that exists. One event at a time. */
import { z } from "zod";
import { actionView } from "./actions.ts";
import { pendingEvent, unprocessable } from "./api-error.ts";
import { sizeOf } from "./catalog.ts";
import type { Cloud } from "./cloud.ts";
import { backupPolicy, dropletAt, dropletOf, fullBackupPolicy, limitsOf } from "./droplets.ts";
import type { Job } from "./job.ts";
import { type Reply, type Route, routeWithBody } from "./route.ts";
import type { Droplet } from "./state.ts";

const body = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("power_on") }),
  z.strictObject({ type: z.literal("power_off") }),
  z.strictObject({ type: z.literal("shutdown") }),
  z.strictObject({ type: z.literal("reboot") }),
  z.strictObject({ type: z.literal("power_cycle") }),
  z.strictObject({ type: z.literal("resize"), size: z.string(), disk: z.boolean().default(false) }),
  z.strictObject({ type: z.literal("rename"), name: z.string().min(1) }),
  z.strictObject({
    type: z.literal("enable_backups"),
    backup_policy: backupPolicy.nullish(),
  }),
  z.strictObject({ type: z.literal("disable_backups") }),
  z.strictObject({ type: z.literal("change_backup_policy"), backup_policy: backupPolicy }),
  z.strictObject({ type: z.literal("enable_ipv6") }),
]);

type Body = z.infer<typeof body>;

/** Checks what is asked against the droplet as it is, and says what has to be done. */
function jobFor(droplet: Droplet, asked: Body): Job {
  const { id } = droplet;
  switch (asked.type) {
    case "power_on":
      return { do: "power-on", droplet: id };
    case "power_off":
      return { do: "power-off", droplet: id };
    case "shutdown":
      refuseUnless(droplet, "active", "Droplet is not running.");
      return { do: "shutdown", droplet: id };
    case "reboot":
      refuseUnless(droplet, "active", "Droplet is not running.");
      return { do: "reboot", droplet: id };
    case "power_cycle":
      return { do: "power-cycle", droplet: id };
    case "resize":
      return resizeJob(droplet, asked.size, asked.disk);
    case "rename":
      return { do: "rename-droplet", droplet: id, name: asked.name };
    case "enable_backups":
      return { do: "set-backups", droplet: id, policy: fullBackupPolicy(asked.backup_policy) };
    case "disable_backups":
      return { do: "set-backups", droplet: id, policy: null };
    case "change_backup_policy":
      if (!droplet.backup_policy) throw unprocessable("Backups are not enabled on this Droplet.");
      return { do: "set-backups", droplet: id, policy: fullBackupPolicy(asked.backup_policy) };
    case "enable_ipv6":
      return { do: "enable-ipv6", droplet: id };
  }
}

function resizeJob(droplet: Droplet, slug: string, disk: boolean): Job {
  const size = sizeOf(slug);
  if (!size) throw unprocessable("You specified an invalid size.");
  refuseUnless(droplet, "off", "Droplet must be powered off to resize.");
  if (size.slug === droplet.size) throw unprocessable("Droplet is already this size.");
  if (size.disk < droplet.disk) {
    throw unprocessable("You can not decrease size of Droplet's disk image.");
  }
  return { do: "resize-droplet", droplet: droplet.id, size: slug, disk };
}

function refuseUnless(droplet: Droplet, status: Droplet["status"], message: string): void {
  if (droplet.status !== status) throw unprocessable(message);
}

export async function performPower(
  cloud: Cloud,
  job: Extract<Job, { do: "power-on" | "power-off" | "shutdown" | "reboot" | "power-cycle" }>,
): Promise<void> {
  const droplet = dropletOf(cloud, job.droplet);
  if (job.do === "shutdown" || job.do === "reboot") await cloud.driver.shutdown(droplet.id);
  if (job.do === "power-off" || job.do === "power-cycle") await cloud.driver.powerOff(droplet.id);
  if (job.do !== "power-on") {
    droplet.status = "off";
    // The doors shut while it is down, however short that is.
    await cloud.changed();
  }
  if (job.do === "power-on" || job.do === "reboot" || job.do === "power-cycle") {
    await cloud.driver.start(droplet.id);
    droplet.status = "active";
  }
}

export async function performResize(
  cloud: Cloud,
  job: Extract<Job, { do: "resize-droplet" }>,
): Promise<void> {
  const droplet = dropletOf(cloud, job.droplet);
  const disk = sizeOf(job.size)?.disk ?? droplet.disk;
  await cloud.driver.resize(droplet.id, limitsOf({ ...droplet, size: job.size }));
  droplet.size = job.size;
  if (job.disk) droplet.disk = disk;
}

export function performSettings(
  cloud: Cloud,
  job: Extract<Job, { do: "rename-droplet" | "set-backups" | "enable-ipv6" }>,
): void {
  const droplet = dropletOf(cloud, job.droplet);
  const withFeature = (name: string, on: boolean) => {
    const others = droplet.features.filter((feature) => feature !== name);
    droplet.features = on ? [...others, name] : others;
  };
  if (job.do === "rename-droplet") droplet.name = job.name;
  if (job.do === "enable-ipv6") withFeature("ipv6", true);
  if (job.do === "set-backups") {
    droplet.backup_policy = job.policy;
    withFeature("backups", job.policy !== null);
  }
}

function act(cloud: Cloud, droplet: Droplet, asked: Body): Reply {
  if (cloud.isBusy(droplet.id)) throw pendingEvent();
  const action = cloud.startAction(jobFor(droplet, asked), {
    type: asked.type,
    resource_id: droplet.id,
    resource_type: "droplet",
    region_slug: droplet.region,
  });
  return { status: 201, body: { action: actionView(action) } };
}

export const dropletActionRoutes: Route[] = [
  routeWithBody("POST", "/v2/droplets/:id/actions", body, (cloud, call) =>
    act(cloud, dropletAt(cloud, call.params.id), call.body),
  ),
];

/** Reserved IPs: addresses 127.N.2.n that stay when the droplet behind them changes. */
import { z } from "zod";
import { RESERVED_IP_LIMIT } from "./account.ts";
import { actionView } from "./actions.ts";
import { notFound, pendingEvent, unprocessable } from "./api-error.ts";
import { regionOf } from "./catalog.ts";
import type { Cloud } from "./cloud.ts";
import { dropletOf, dropletView, findDroplet } from "./droplets.ts";
import type { Job } from "./job.ts";
import { page } from "./page.ts";
import { defaultProject } from "./projects.ts";
import { type Reply, type Route, route, routeWithBody } from "./route.ts";
import type { Action, Droplet, ReservedIp } from "./state.ts";

const MAX_HOSTS = 250;

function busy(cloud: Cloud, ip: string): boolean {
  return cloud.state.actions.some(
    ({ status, job }) => status === "in-progress" && "ip" in job && job.ip === ip,
  );
}

function view(cloud: Cloud, reserved: ReservedIp) {
  const droplet =
    reserved.droplet_id === null ? undefined : findDroplet(cloud, reserved.droplet_id);
  return {
    ip: reserved.ip,
    region: regionOf(reserved.region),
    droplet: droplet ? dropletView(cloud, droplet) : null,
    locked: busy(cloud, reserved.ip),
    project_id: reserved.project_id,
  };
}

function reservedIp(cloud: Cloud, ip: string | undefined): ReservedIp {
  const found = cloud.state.reservedIps.find((one) => one.ip === ip);
  if (!found) throw notFound();
  return found;
}

function nextAddress(cloud: Cloud): string {
  const taken = new Set(cloud.state.reservedIps.map((one) => one.ip));
  do {
    cloud.state.lastReservedHost = (cloud.state.lastReservedHost % MAX_HOSTS) + 1;
  } while (taken.has(`127.${cloud.block}.2.${cloud.state.lastReservedHost}`));
  return `127.${cloud.block}.2.${cloud.state.lastReservedHost}`;
}

function asNumber(ip: string): number {
  return ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function start(cloud: Cloud, reserved: ReservedIp, type: string, job: Job): Action {
  return cloud.startAction(job, {
    type,
    resource_id: asNumber(reserved.ip),
    resource_type: "reserved_ip",
    region_slug: reserved.region,
  });
}

function assign(cloud: Cloud, reserved: ReservedIp, droplet: Droplet): Action {
  if (droplet.region !== reserved.region) {
    throw unprocessable("The Reserved IP and the Droplet must be in the same region.");
  }
  if (busy(cloud, reserved.ip)) throw unprocessable("Reserved IP already has a pending event.");
  if (cloud.isBusy(droplet.id)) throw pendingEvent();
  if (cloud.state.reservedIps.some((one) => one.droplet_id === droplet.id)) {
    throw unprocessable("The Droplet already has a Reserved IP assigned.");
  }
  return start(cloud, reserved, "assign_ip", {
    do: "assign-ip",
    droplet: droplet.id,
    ip: reserved.ip,
  });
}

export function performReservedIp(
  cloud: Cloud,
  job: Extract<Job, { do: "assign-ip" | "unassign-ip" }>,
): void {
  const found = cloud.state.reservedIps.find((one) => one.ip === job.ip);
  if (!found) throw new Error(`reserved IP ${job.ip} is gone`);
  found.droplet_id = job.do === "assign-ip" ? dropletOf(cloud, job.droplet).id : null;
}

const create = z.union([
  z.strictObject({ region: z.string(), project_id: z.string().optional() }),
  z.strictObject({ droplet_id: z.number().int() }),
]);
const actionBody = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("assign"), droplet_id: z.number().int() }),
  z.strictObject({ type: z.literal("unassign") }),
]);

function act(cloud: Cloud, reserved: ReservedIp, asked: z.infer<typeof actionBody>): Reply {
  if (asked.type === "assign") {
    const droplet = findDroplet(cloud, asked.droplet_id);
    if (!droplet) throw notFound();
    return { status: 201, body: { action: actionView(assign(cloud, reserved, droplet)) } };
  }
  if (reserved.droplet_id === null) throw unprocessable("The Reserved IP is not assigned.");
  if (busy(cloud, reserved.ip)) throw unprocessable("Reserved IP already has a pending event.");
  const action = start(cloud, reserved, "unassign_ip", {
    do: "unassign-ip",
    droplet: reserved.droplet_id,
    ip: reserved.ip,
  });
  return { status: 201, body: { action: actionView(action) } };
}

export const reservedIpRoutes: Route[] = [
  route("GET", "/v2/reserved_ips", (cloud, call) =>
    page(
      call,
      "reserved_ips",
      cloud.state.reservedIps.map((one) => view(cloud, one)),
    ),
  ),
  routeWithBody("POST", "/v2/reserved_ips", create, (cloud, { body, origin }) => {
    if (cloud.state.reservedIps.length >= RESERVED_IP_LIMIT) {
      throw unprocessable("You have reached the Reserved IP limit of your account.");
    }
    const droplet = "droplet_id" in body ? findDroplet(cloud, body.droplet_id) : undefined;
    if ("droplet_id" in body && !droplet) throw notFound();
    const region = "region" in body ? body.region : (droplet as Droplet).region;
    if (!regionOf(region)) throw unprocessable("region is not valid");
    const project = "project_id" in body && body.project_id ? body.project_id : undefined;
    const made: ReservedIp = {
      ip: nextAddress(cloud),
      region,
      droplet_id: null,
      project_id: project ?? defaultProject(cloud).id,
    };
    const action = droplet && assign(cloud, made, droplet);
    cloud.state.reservedIps.push(made);
    return {
      status: 202,
      body: {
        reserved_ip: view(cloud, made),
        links: action
          ? {
              actions: [
                { id: action.id, rel: "assign_ip", href: `${origin}/v2/actions/${action.id}` },
              ],
            }
          : {},
      },
    };
  }),
  route("GET", "/v2/reserved_ips/:ip", (cloud, { params }) => ({
    status: 200,
    body: { reserved_ip: view(cloud, reservedIp(cloud, params.ip)) },
  })),
  route("DELETE", "/v2/reserved_ips/:ip", (cloud, { params }) => {
    const found = reservedIp(cloud, params.ip);
    if (busy(cloud, found.ip)) throw unprocessable("Reserved IP already has a pending event.");
    cloud.state.reservedIps = cloud.state.reservedIps.filter((one) => one !== found);
    return { status: 204 };
  }),
  routeWithBody("POST", "/v2/reserved_ips/:ip/actions", actionBody, (cloud, { params, body }) =>
    act(cloud, reservedIp(cloud, params.ip), body),
  ),
];

/** Faults on request: refusals of calls, slow, stuck or failing actions, SSH that opens late, keys that work late. */
import { z } from "zod";
import { ApiError, notFound, serverError, tooManyRequests } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { type Route, route, routeWithBody } from "./route.ts";

const callFault = z.strictObject({
  /** "METHOD /path", where `*` stands for any text: "POST /v2/droplets", "* /v2/*". */
  match: z.string().regex(/^(\*|[A-Z]+) \/\S*$/),
  status: z.number().int().min(400).max(599),
  /** How many calls it refuses; default 1. */
  count: z.number().int().min(1).default(1),
  /** Seconds told in `retry-after` of a 429; default 1. */
  retryAfter: z.number().int().min(0).optional(),
});

const actionFault = z.strictObject({
  /** "action:<type>": create, destroy, power_off, shutdown, attach_volume, assign_ip ... */
  match: z.string().regex(/^action:[a-z0-9_*]+$/),
  /** Milliseconds that matching actions take longer. */
  delayMs: z.number().int().min(0).optional(),
  /** Matching actions stay in progress until the faults are cleared. */
  stuck: z.boolean().optional(),
  /** Matching actions end as "errored" and do nothing. */
  errored: z.boolean().optional(),
});

const sshFault = z.strictObject({
  match: z.literal("ssh"),
  /** Milliseconds after which port 22 of droplets made from now on opens. */
  delayMs: z.number().int().min(0),
});

const spacesKeyFault = z.strictObject({
  match: z.literal("spaces-key"),
  /** Milliseconds after which a Spaces key made from now on works. */
  delayMs: z.number().int().min(0),
});

const fault = z.union([sshFault, spacesKeyFault, actionFault, callFault], {
  error: "not a fault of a call, of an action, of ssh or of a Spaces key",
});

export type Fault = z.infer<typeof fault>;

/** Throws the answer of the first fault that matches this call, and counts it down. */
export function refuseByFault(cloud: Cloud, method: string, path: string): void {
  const { faults } = cloud.state;
  for (const candidate of faults) {
    if (!("status" in candidate) || !matches(candidate.match, `${method} ${path}`)) continue;
    candidate.count -= 1;
    if (candidate.count <= 0) faults.splice(faults.indexOf(candidate), 1);
    cloud.save();
    if (candidate.status === 429) throw tooManyRequests(candidate.retryAfter ?? 1);
    if (candidate.status >= 500) throw serverError(candidate.status);
    throw new ApiError(
      candidate.status,
      "rehearsed_fault",
      `Fault on request for ${candidate.match}.`,
    );
  }
}

/** What the faults say about actions of this type: all delays add up. */
export function actionFaults(
  cloud: Cloud,
  type: string,
): { delayMs: number; stuck: boolean; errored: boolean } {
  const result = { delayMs: 0, stuck: false, errored: false };
  for (const candidate of cloud.state.faults) {
    if ("status" in candidate || !matches(candidate.match, `action:${type}`)) continue;
    result.delayMs += candidate.delayMs ?? 0;
    if ("stuck" in candidate && candidate.stuck) result.stuck = true;
    if ("errored" in candidate && candidate.errored) result.errored = true;
  }
  return result;
}

/** Milliseconds by which port 22 of a droplet made now opens late. */
export const sshDelayMs = (cloud: Cloud): number => delayMs(cloud, "ssh");

/** Milliseconds by which a Spaces key made now works late. */
export const spacesKeyDelayMs = (cloud: Cloud): number => delayMs(cloud, "spaces-key");

function delayMs(cloud: Cloud, what: "ssh" | "spaces-key"): number {
  let delay = 0;
  for (const candidate of cloud.state.faults) {
    if (candidate.match === what && "delayMs" in candidate) delay += candidate.delayMs ?? 0;
  }
  return delay;
}

function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${expression}$`).test(text);
}

/** The rehearsal's own door, beside DigitalOcean's: faults, the request log, why an action failed. */
export const rehearsalRoutes: Route[] = [
  route("GET", "/_rehearsal/faults", (cloud) => ({
    status: 200,
    body: { faults: cloud.state.faults },
  })),
  routeWithBody("POST", "/_rehearsal/faults", fault, (cloud, { body }) => {
    cloud.state.faults.push(body);
    return { status: 201, body: { fault: body } };
  }),
  route("DELETE", "/_rehearsal/faults", (cloud) => {
    cloud.state.faults = [];
    cloud.releaseStuckActions();
    return { status: 204 };
  }),
  route("GET", "/_rehearsal/log", (cloud) => ({ status: 200, body: cloud.requestLog })),
  route("GET", "/_rehearsal/failures", (cloud) => ({
    status: 200,
    body: cloud.state.actions
      .filter((action) => action.failure !== null)
      .map(({ id, type, job, failure }) => ({ id, type, droplet: job.droplet, failure })),
  })),
  route("GET", "/_rehearsal/droplets/:id/console", async (cloud, { params }) => {
    const droplet = cloud.state.droplets.find((one) => String(one.id) === params.id);
    if (!droplet) throw notFound();
    return { status: 200, body: { console: await cloud.driver.console(droplet.id) } };
  }),
];

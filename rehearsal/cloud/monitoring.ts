/** Alert policies: kept and checked, never fired. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { notFound } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import type { AlertPolicy } from "./state.ts";

const dropletMetrics = [
  "load_1",
  "load_5",
  "load_15",
  "memory_utilization_percent",
  "disk_utilization_percent",
  "cpu",
  "disk_read",
  "disk_write",
  "public_outbound_bandwidth",
  "public_inbound_bandwidth",
  "private_outbound_bandwidth",
  "private_inbound_bandwidth",
] as const;

/** Where an alert goes; both lists may be left out. */
export const notifications = z
  .strictObject({
    email: z.array(z.email()).nullish(),
    slack: z.array(z.strictObject({ channel: z.string(), url: z.url() })).nullish(),
  })
  .transform(({ email, slack }) => ({ email: email ?? [], slack: slack ?? [] }));

const body = z.strictObject({
  type: z.union([
    z.enum(dropletMetrics.map((metric) => `v1/insights/droplet/${metric}` as const)),
    z.string().regex(/^v1\/(insights\/lbaas|dbaas\/alerts)\/[a-z0-9_]+$/, "unknown alert type"),
  ]),
  description: z.string(),
  compare: z.enum(["GreaterThan", "LessThan"]),
  value: z.number().min(0),
  window: z.enum(["5m", "10m", "30m", "1h"]),
  entities: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
  alerts: notifications,
  enabled: z.boolean().nullish(),
});

function policyFrom(uuid: string, given: z.infer<typeof body>): AlertPolicy {
  return {
    uuid,
    ...given,
    entities: given.entities ?? [],
    tags: given.tags ?? [],
    enabled: given.enabled ?? true,
  };
}

function policy(cloud: Cloud, uuid: string | undefined): AlertPolicy {
  const found = cloud.state.alertPolicies.find((one) => one.uuid === uuid);
  if (!found) throw notFound();
  return found;
}

export const monitoringRoutes: Route[] = [
  route("GET", "/v2/monitoring/alerts", (cloud, call) =>
    page(call, "policies", cloud.state.alertPolicies),
  ),
  routeWithBody("POST", "/v2/monitoring/alerts", body, (cloud, call) => {
    const made = policyFrom(randomUUID(), call.body);
    cloud.state.alertPolicies.push(made);
    return { status: 200, body: { policy: made } };
  }),
  route("GET", "/v2/monitoring/alerts/:uuid", (cloud, { params }) => ({
    status: 200,
    body: { policy: policy(cloud, params.uuid) },
  })),
  routeWithBody("PUT", "/v2/monitoring/alerts/:uuid", body, (cloud, call) => {
    const found = policy(cloud, call.params.uuid);
    Object.assign(found, policyFrom(found.uuid, call.body));
    return { status: 200, body: { policy: found } };
  }),
  route("DELETE", "/v2/monitoring/alerts/:uuid", (cloud, { params }) => {
    const found = policy(cloud, params.uuid);
    cloud.state.alertPolicies = cloud.state.alertPolicies.filter((one) => one !== found);
    return { status: 204 };
  }),
];

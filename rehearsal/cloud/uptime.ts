/** Uptime checks and their alerts: kept and checked, never run. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { notFound } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { notifications } from "./monitoring.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import type { UptimeAlert, UptimeCheck } from "./state.ts";

const region = z.enum(["us_east", "us_west", "eu_west", "se_asia"]);
const checkBody = z.strictObject({
  name: z.string().min(1),
  type: z.enum(["ping", "http", "https"]),
  target: z.string().min(1),
  regions: z.array(region).nullish(),
  enabled: z.boolean().nullish(),
});
const alertBody = z.strictObject({
  name: z.string().min(1),
  type: z.enum(["latency", "down", "down_global", "ssl_expiry"]),
  threshold: z.number().int().nullish(),
  comparison: z.enum(["greater_than", "less_than", ""]).nullish(),
  period: z.enum(["2m", "3m", "5m", "10m", "15m", "30m", "1h", ""]).nullish(),
  notifications,
});

const view = ({ alerts: _alerts, ...check }: UptimeCheck) => check;

function check(cloud: Cloud, id: string | undefined): UptimeCheck {
  const found = cloud.state.uptimeChecks.find((one) => one.id === id);
  if (!found) throw notFound();
  return found;
}

function alert(cloud: Cloud, checkId: string | undefined, id: string | undefined): UptimeAlert {
  const found = check(cloud, checkId).alerts.find((one) => one.id === id);
  if (!found) throw notFound();
  return found;
}

function alertFrom(id: string, given: z.infer<typeof alertBody>): UptimeAlert {
  const { threshold, comparison, period, ...rest } = given;
  return {
    id,
    ...rest,
    ...(threshold == null ? {} : { threshold }),
    ...(comparison ? { comparison } : {}),
    ...(period ? { period } : {}),
  };
}

function checkFrom(given: z.infer<typeof checkBody>) {
  return {
    name: given.name,
    type: given.type,
    target: given.target,
    regions: given.regions ?? ["us_east", "eu_west"],
    enabled: given.enabled ?? true,
  };
}

export const uptimeRoutes: Route[] = [
  route("GET", "/v2/uptime/checks", (cloud, call) =>
    page(call, "checks", cloud.state.uptimeChecks.map(view)),
  ),
  routeWithBody("POST", "/v2/uptime/checks", checkBody, (cloud, { body }) => {
    const made = { id: randomUUID(), ...checkFrom(body), alerts: [] };
    cloud.state.uptimeChecks.push(made);
    return { status: 201, body: { check: view(made) } };
  }),
  route("GET", "/v2/uptime/checks/:id", (cloud, { params }) => ({
    status: 200,
    body: { check: view(check(cloud, params.id)) },
  })),
  routeWithBody("PUT", "/v2/uptime/checks/:id", checkBody, (cloud, { params, body }) => {
    const found = check(cloud, params.id);
    Object.assign(found, checkFrom(body));
    return { status: 200, body: { check: view(found) } };
  }),
  route("DELETE", "/v2/uptime/checks/:id", (cloud, { params }) => {
    const found = check(cloud, params.id);
    cloud.state.uptimeChecks = cloud.state.uptimeChecks.filter((one) => one !== found);
    return { status: 204 };
  }),
  route("GET", "/v2/uptime/checks/:id/alerts", (cloud, call) =>
    page(call, "alerts", check(cloud, call.params.id).alerts),
  ),
  routeWithBody("POST", "/v2/uptime/checks/:id/alerts", alertBody, (cloud, { params, body }) => {
    const made = alertFrom(randomUUID(), body);
    check(cloud, params.id).alerts.push(made);
    return { status: 201, body: { alert: made } };
  }),
  route("GET", "/v2/uptime/checks/:id/alerts/:alert", (cloud, { params }) => ({
    status: 200,
    body: { alert: alert(cloud, params.id, params.alert) },
  })),
  routeWithBody("PUT", "/v2/uptime/checks/:id/alerts/:alert", alertBody, (cloud, call) => {
    const owner = check(cloud, call.params.id);
    const found = alert(cloud, owner.id, call.params.alert);
    const next = alertFrom(found.id, call.body);
    owner.alerts = owner.alerts.map((one) => (one === found ? next : one));
    return { status: 200, body: { alert: next } };
  }),
  route("DELETE", "/v2/uptime/checks/:id/alerts/:alert", (cloud, { params }) => {
    const owner = check(cloud, params.id);
    const found = alert(cloud, owner.id, params.alert);
    owner.alerts = owner.alerts.filter((one) => one !== found);
    return { status: 204 };
  }),
];

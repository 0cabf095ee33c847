/** Cloud firewalls. Once one is attached, by tag or by id, what no rule admits is refused. */
import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import { z } from "zod";
import { conflict, notFound, unprocessable } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import { type Droplet, type Firewall, type FirewallPeers, timestamp } from "./state.ts";
import { tagName } from "./tags.ts";

const MAX_DROPLETS = 10;
const MAX_TAGS = 5;

/** The firewalls in front of a droplet. */
export function firewallsOf(cloud: Cloud, droplet: Droplet): Firewall[] {
  return cloud.state.firewalls.filter(
    (firewall) =>
      firewall.droplet_ids.includes(droplet.id) ||
      firewall.tags.some((tag) => droplet.tags.includes(tag)),
  );
}

const address = z.string().refine((text) => {
  const [base, bits, ...rest] = text.split("/");
  const version = isIP(base ?? "");
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}, "not an IP address or CIDR");

const peers = z.strictObject({
  addresses: z.array(address).nullish(),
  droplet_ids: z.array(z.number().int()).nullish(),
  load_balancer_uids: z.array(z.string()).nullish(),
  kubernetes_ids: z.array(z.string()).nullish(),
  tags: z.array(tagName).nullish(),
});
const protocol = z.enum(["tcp", "udp", "icmp"]);
const ports = z.string().default("").superRefine(checkPorts);
const inbound = z.strictObject({ protocol, ports, sources: peers, action: z.string().optional() });
const outbound = z.strictObject({
  protocol,
  ports,
  destinations: peers,
  action: z.string().optional(),
});

function checkPorts(text: string, context: z.RefinementCtx): void {
  if (text === "" || text === "0" || text === "all") return;
  const [from, to = from, ...rest] = text.split("-").map((part) => Number(part));
  const good = (port: number | undefined) =>
    port !== undefined && Number.isInteger(port) && port >= 1 && port <= 65535;
  if (rest.length > 0 || !good(from) || !good(to) || (from as number) > (to as number)) {
    context.addIssue({ code: "custom", message: `"${text}" is not a port, a range or "all"` });
  }
}

const body = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]*$/, "may hold letters, numbers, dots, dashes"),
  inbound_rules: z.array(inbound).nullish(),
  outbound_rules: z.array(outbound).nullish(),
  droplet_ids: z.array(z.number().int()).nullish(),
  tags: z.array(tagName).nullish(),
});

type Body = z.infer<typeof body>;

/** Ports as the API tells them back: "0" is all of them, and what icmp always shows. */
function shownPorts(rule: { protocol: string; ports: string }): string {
  if (rule.protocol === "icmp" || rule.ports === "all" || rule.ports === "0") return "0";
  if (rule.ports === "") throw unprocessable(`ports: needed for a ${rule.protocol} rule`);
  return rule.ports;
}

function shownPeers(given: z.infer<typeof peers>): FirewallPeers {
  return Object.fromEntries(
    Object.entries(given).filter(([, list]) => list && list.length > 0),
  ) as FirewallPeers;
}

function inboundRules(rules: Body["inbound_rules"]): Firewall["inbound_rules"] {
  return (rules ?? []).map((rule) => ({
    protocol: rule.protocol,
    ports: shownPorts(rule),
    sources: shownPeers(rule.sources),
  }));
}

function outboundRules(rules: Body["outbound_rules"]): Firewall["outbound_rules"] {
  return (rules ?? []).map((rule) => ({
    protocol: rule.protocol,
    ports: shownPorts(rule),
    destinations: shownPeers(rule.destinations),
  }));
}

/** Limits and references that DigitalOcean checks on every write. */
function check(cloud: Cloud, firewall: Firewall): Firewall {
  if (firewall.droplet_ids.length > MAX_DROPLETS) {
    throw unprocessable(`a firewall may be applied to ${MAX_DROPLETS} Droplets at most`);
  }
  if (firewall.tags.length > MAX_TAGS) {
    throw unprocessable(`a firewall may be applied to ${MAX_TAGS} tags at most`);
  }
  if (firewall.inbound_rules.length + firewall.outbound_rules.length === 0) {
    throw unprocessable("a firewall needs at least one rule");
  }
  const named = [
    ...firewall.tags,
    ...firewall.inbound_rules.flatMap((rule) => rule.sources.tags ?? []),
    ...firewall.outbound_rules.flatMap((rule) => rule.destinations.tags ?? []),
  ];
  for (const tag of named) {
    if (!cloud.state.tags.includes(tag)) throw unprocessable(`tag "${tag}" does not exist`);
  }
  for (const id of firewall.droplet_ids) {
    if (!cloud.state.droplets.some((droplet) => droplet.id === id)) {
      throw unprocessable(`droplet ${id} does not exist`);
    }
  }
  if (
    cloud.state.firewalls.some((other) => other.id !== firewall.id && other.name === firewall.name)
  ) {
    throw conflict("duplicate name");
  }
  return firewall;
}

function from(
  given: Body,
): Pick<Firewall, "name" | "inbound_rules" | "outbound_rules" | "droplet_ids" | "tags"> {
  return {
    name: given.name,
    inbound_rules: inboundRules(given.inbound_rules),
    outbound_rules: outboundRules(given.outbound_rules),
    droplet_ids: given.droplet_ids ?? [],
    tags: given.tags ?? [],
  };
}

const view = (firewall: Firewall, status: "waiting" | "succeeded" = "succeeded") => ({
  ...firewall,
  status,
  pending_changes: [],
});

function firewall(cloud: Cloud, id: string | undefined): Firewall {
  const found = cloud.state.firewalls.find((one) => one.id === id);
  if (!found) throw notFound();
  return found;
}

/** Changes one firewall, or refuses and leaves it as it was. */
function change(cloud: Cloud, id: string | undefined, edit: (copy: Firewall) => void): Firewall {
  const found = firewall(cloud, id);
  const copy = structuredClone(found);
  edit(copy);
  Object.assign(found, check(cloud, copy));
  return found;
}

const without = <T>(list: T[], gone: T[]) => {
  const keys = new Set(gone.map((item) => JSON.stringify(item)));
  return list.filter((item) => !keys.has(JSON.stringify(item)));
};
const joined = <T>(list: T[], more: T[]) => [...without(list, more), ...more];

const dropletsBody = z.strictObject({ droplet_ids: z.array(z.number().int()) });
const tagsBody = z.strictObject({ tags: z.array(tagName) });
const rulesBody = z.strictObject({
  inbound_rules: z.array(inbound).nullish(),
  outbound_rules: z.array(outbound).nullish(),
});

export const firewallRoutes: Route[] = [
  route("GET", "/v2/firewalls", (cloud, call) =>
    page(
      call,
      "firewalls",
      cloud.state.firewalls.map((one) => view(one)),
    ),
  ),
  routeWithBody("POST", "/v2/firewalls", body, (cloud, call) => {
    const made = { id: randomUUID(), created_at: timestamp(), ...from(call.body) };
    cloud.state.firewalls.push(check(cloud, made));
    return { status: 202, body: { firewall: view(made, "waiting") } };
  }),
  route("GET", "/v2/firewalls/:id", (cloud, { params }) => ({
    status: 200,
    body: { firewall: view(firewall(cloud, params.id)) },
  })),
  routeWithBody("PUT", "/v2/firewalls/:id", body, (cloud, call) => {
    const found = change(cloud, call.params.id, (copy) => Object.assign(copy, from(call.body)));
    return { status: 200, body: { firewall: view(found) } };
  }),
  route("DELETE", "/v2/firewalls/:id", (cloud, { params }) => {
    const found = firewall(cloud, params.id);
    cloud.state.firewalls = cloud.state.firewalls.filter((one) => one !== found);
    return { status: 204 };
  }),
  routeWithBody("POST", "/v2/firewalls/:id/droplets", dropletsBody, (cloud, call) => {
    change(cloud, call.params.id, (copy) => {
      copy.droplet_ids = joined(copy.droplet_ids, call.body.droplet_ids);
    });
    return { status: 204 };
  }),
  routeWithBody("DELETE", "/v2/firewalls/:id/droplets", dropletsBody, (cloud, call) => {
    change(cloud, call.params.id, (copy) => {
      copy.droplet_ids = without(copy.droplet_ids, call.body.droplet_ids);
    });
    return { status: 204 };
  }),
  routeWithBody("POST", "/v2/firewalls/:id/tags", tagsBody, (cloud, call) => {
    change(cloud, call.params.id, (copy) => {
      copy.tags = joined(copy.tags, call.body.tags);
    });
    return { status: 204 };
  }),
  routeWithBody("DELETE", "/v2/firewalls/:id/tags", tagsBody, (cloud, call) => {
    change(cloud, call.params.id, (copy) => {
      copy.tags = without(copy.tags, call.body.tags);
    });
    return { status: 204 };
  }),
  routeWithBody("POST", "/v2/firewalls/:id/rules", rulesBody, (cloud, call) => {
    change(cloud, call.params.id, (copy) => {
      copy.inbound_rules = joined(copy.inbound_rules, inboundRules(call.body.inbound_rules));
      copy.outbound_rules = joined(copy.outbound_rules, outboundRules(call.body.outbound_rules));
    });
    return { status: 204 };
  }),
  routeWithBody("DELETE", "/v2/firewalls/:id/rules", rulesBody, (cloud, call) => {
    change(cloud, call.params.id, (copy) => {
      copy.inbound_rules = without(copy.inbound_rules, inboundRules(call.body.inbound_rules));
      copy.outbound_rules = without(copy.outbound_rules, outboundRules(call.body.outbound_rules));
    });
    return { status: 204 };
  }),
];

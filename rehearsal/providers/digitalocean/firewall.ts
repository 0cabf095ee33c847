import { z } from "zod";
import type { Failure, Resource } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, ApiRefusal, orGone, saying } from "./api.ts";
import { tagName } from "./tag.ts";

const common = {
  action: z.string().optional(),
  portRange: z.string().min(1).optional(),
  protocol: z.enum(["tcp", "udp", "icmp"]),
};
const text = z.array(z.string().min(1)).optional();

const inbound = z.strictObject({
  ...common,
  sourceAddresses: text,
  sourceDropletIds: z.array(z.int()).optional(),
  sourceKubernetesIds: text,
  sourceLoadBalancerUids: text,
  sourceTags: z.array(tagName).optional(),
});

const outbound = z.strictObject({
  ...common,
  destinationAddresses: text,
  destinationDropletIds: z.array(z.int()).optional(),
  destinationKubernetesIds: text,
  destinationLoadBalancerUids: text,
  destinationTags: z.array(tagName).optional(),
});

const inputs = z.strictObject({
  dropletIds: z.array(z.int()).optional(),
  inboundRules: z.array(inbound).optional(),
  name: z.string().min(1),
  outboundRules: z.array(outbound).optional(),
  tags: z.array(tagName).optional(),
});
type Inputs = z.infer<typeof inputs>;

interface Peers {
  addresses?: string[];
  droplet_ids?: number[];
  load_balancer_uids?: string[];
  kubernetes_ids?: string[];
  tags?: string[];
}

interface ApiRule {
  protocol: "tcp" | "udp" | "icmp";
  ports: string;
  action?: string;
}

interface ApiFirewall {
  id: string;
  name: string;
  status: string;
  created_at: string;
  pending_changes: { droplet_id: number; removing: boolean; status: string }[] | null;
  inbound_rules: (ApiRule & { sources: Peers })[] | null;
  outbound_rules: (ApiRule & { destinations: Peers })[] | null;
  droplet_ids: number[] | null;
  tags: string[] | null;
}

export const firewall = (api: Api): Resource<Inputs> => {
  const read = async (id: string) => {
    const answer = await saying(
      "Error retrieving firewall",
      orGone(api.get<{ firewall: ApiFirewall }>(`/v2/firewalls/${id}`)),
    );
    return answer && outputsOf(answer.firewall);
  };
  return {
    type: "digitalocean:index/firewall:Firewall",
    inputs,
    unordered: ["dropletIds", "inboundRules", "outboundRules", "tags"],
    autoname: true,
    computed: ["createdAt", "pendingChanges", "status"],
    check: checkRules,

    async create(given) {
      const { firewall: made } = await saying(
        "Error creating firewall",
        api.post<{ firewall: ApiFirewall }>("/v2/firewalls", requestOf(given)),
      );
      return { id: made.id, outputs: (await read(made.id)) ?? outputsOf(made) };
    },

    read: (id) => read(id),

    async update(id, given) {
      const { firewall: changed } = await saying(
        "Error updating firewall",
        api.put<{ firewall: ApiFirewall }>(`/v2/firewalls/${id}`, requestOf(given)),
      );
      return (await read(id)) ?? outputsOf(changed);
    },

    async delete(id) {
      await saying("Error deleting firewall", api.delete(`/v2/firewalls/${id}`)).catch(
        (error: unknown) => {
          if (!(error instanceof ApiRefusal) || error.status !== 404) throw error;
        },
      );
    },
  };
};

function checkRules({ inboundRules, outboundRules }: Properties): Failure[] {
  const failures: Failure[] = [];
  if (inboundRules === undefined && outboundRules === undefined) {
    failures.push({ property: "inboundRules", reason: "At least one rule must be specified" });
  }
  for (const [property, rules] of Object.entries({ inboundRules, outboundRules })) {
    if (!Array.isArray(rules)) continue;
    for (const [index, rule] of rules.entries()) {
      const { protocol, portRange } = rule as Properties;
      if (typeof protocol === "string" && protocol !== "icmp" && portRange === undefined) {
        failures.push({
          property: `${property}[${index}].portRange`,
          reason: "`port_range` of rules is required if protocol is `tcp` or `udp`",
        });
      }
    }
  }
  return failures;
}

function requestOf(given: Inputs) {
  return {
    name: given.name,
    droplet_ids: given.dropletIds ?? [],
    tags: given.tags ?? [],
    inbound_rules: (given.inboundRules ?? []).map((rule) => ({
      protocol: rule.protocol,
      ports: rule.portRange,
      sources: dropEmpty({
        addresses: rule.sourceAddresses,
        droplet_ids: rule.sourceDropletIds,
        load_balancer_uids: rule.sourceLoadBalancerUids,
        kubernetes_ids: rule.sourceKubernetesIds,
        tags: rule.sourceTags,
      }),
    })),
    outbound_rules: (given.outboundRules ?? []).map((rule) => ({
      protocol: rule.protocol,
      ports: rule.portRange,
      destinations: dropEmpty({
        addresses: rule.destinationAddresses,
        droplet_ids: rule.destinationDropletIds,
        load_balancer_uids: rule.destinationLoadBalancerUids,
        kubernetes_ids: rule.destinationKubernetesIds,
        tags: rule.destinationTags,
      }),
    })),
  };
}

function outputsOf(found: ApiFirewall): Properties {
  return {
    name: found.name,
    status: found.status,
    createdAt: found.created_at,
    pendingChanges: (found.pending_changes ?? []).map((change) => ({
      dropletId: change.droplet_id,
      removing: change.removing,
      status: change.status,
    })),
    dropletIds: found.droplet_ids ?? [],
    tags: found.tags ?? [],
    inboundRules: (found.inbound_rules ?? []).map((rule) => ({
      ...ruleOf(rule),
      ...dropEmpty({
        sourceAddresses: rule.sources.addresses,
        sourceDropletIds: rule.sources.droplet_ids,
        sourceLoadBalancerUids: rule.sources.load_balancer_uids,
        sourceKubernetesIds: rule.sources.kubernetes_ids,
        sourceTags: rule.sources.tags,
      }),
    })),
    outboundRules: (found.outbound_rules ?? []).map((rule) => ({
      ...ruleOf(rule),
      ...dropEmpty({
        destinationAddresses: rule.destinations.addresses,
        destinationDropletIds: rule.destinations.droplet_ids,
        destinationLoadBalancerUids: rule.destinations.load_balancer_uids,
        destinationKubernetesIds: rule.destinations.kubernetes_ids,
        destinationTags: rule.destinations.tags,
      }),
    })),
  };
}

/** The API says "0" both for all ports and for the ports that ICMP does not have. */
function ruleOf({ protocol, ports }: ApiRule) {
  const portRange =
    ports === "0" || ports === "" ? (protocol === "icmp" ? undefined : "all") : ports;
  return { protocol, ...(portRange === undefined ? {} : { portRange }) };
}

function dropEmpty<Lists extends Record<string, unknown[] | null | undefined>>(
  lists: Lists,
): Partial<Lists> {
  return Object.fromEntries(
    Object.entries(lists).filter(([, list]) => list && list.length > 0),
  ) as Partial<Lists>;
}

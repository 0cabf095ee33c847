import { z } from "zod";
import type { Resource } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, orGone, saying } from "./api.ts";
import { type ApiNotifications, fromApi, notifications, toApi } from "./notifications.ts";
import { tagName } from "./tag.ts";

const measured = z
  .string()
  .regex(
    /^v1\/(insights\/(droplet|lbaas)|dbaas\/alerts)\/[a-z0-9_]+$/,
    "expected a type such as v1/insights/droplet/cpu",
  );

const inputs = z.strictObject({
  alerts: notifications,
  compare: z.enum(["GreaterThan", "LessThan"]),
  description: z.string(),
  enabled: z.boolean().optional(),
  entities: z.array(z.string()).min(1).optional(),
  tags: z.array(tagName).optional(),
  type: measured,
  value: z.number().min(0),
  window: z.enum(["5m", "10m", "30m", "1h"]),
});
type Inputs = z.infer<typeof inputs>;

interface ApiPolicy {
  uuid: string;
  type: string;
  description: string;
  compare: string;
  value: number;
  window: string;
  entities: string[] | null;
  tags: string[] | null;
  alerts: ApiNotifications;
  enabled: boolean;
}

export const monitorAlert = (api: Api): Resource<Inputs> => ({
  type: "digitalocean:index/monitorAlert:MonitorAlert",
  inputs,
  unordered: ["entities", "tags"],
  defaults: { enabled: true },
  computed: ["uuid"],

  async create(given) {
    const { policy } = await saying(
      "Error creating Alert Policy",
      api.post<{ policy: ApiPolicy }>("/v2/monitoring/alerts", requestOf(given)),
    );
    return { id: policy.uuid, outputs: outputsOf(policy) };
  },

  async read(id) {
    const answer = await saying(
      "Error reading Alert",
      orGone(api.get<{ policy: ApiPolicy }>(`/v2/monitoring/alerts/${id}`)),
    );
    return answer && outputsOf(answer.policy);
  },

  async update(id, given) {
    const { policy } = await saying(
      "Error updating monitoring alert",
      api.put<{ policy: ApiPolicy }>(`/v2/monitoring/alerts/${id}`, requestOf(given)),
    );
    return outputsOf(policy);
  },

  async delete(id) {
    await saying("Error deleting monitor alert", api.delete(`/v2/monitoring/alerts/${id}`));
  },
});

function requestOf(given: Inputs) {
  return {
    ...given,
    alerts: toApi(given.alerts),
    enabled: given.enabled ?? true,
    entities: given.entities ?? [],
    tags: given.tags ?? [],
  };
}

function outputsOf({ alerts, entities, tags, ...rest }: ApiPolicy): Properties {
  return { ...rest, alerts: fromApi(alerts), entities: entities ?? [], tags: tags ?? [] };
}

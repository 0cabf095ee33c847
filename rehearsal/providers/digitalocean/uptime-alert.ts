import { z } from "zod";
import type { Resource } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, orGone, saying } from "./api.ts";
import { type ApiNotifications, fromApi, notifications, toApi } from "./notifications.ts";

const inputs = z.strictObject({
  checkId: z.string().min(1),
  comparison: z.enum(["greater_than", "less_than"]).optional(),
  name: z.string().min(1),
  notifications: z.array(notifications).min(1),
  period: z.enum(["2m", "3m", "5m", "10m", "15m", "30m", "1h"]).optional(),
  threshold: z.int().optional(),
  type: z.enum(["latency", "down", "down_global", "ssl_expiry"]),
});
type Inputs = z.infer<typeof inputs>;

interface ApiAlert {
  id: string;
  name: string;
  type: string;
  threshold?: number | null;
  comparison?: string | null;
  notifications: ApiNotifications;
  period?: string | null;
}

export const uptimeAlert = (api: Api): Resource<Inputs> => {
  const path = (checkId: string, id = "") => `/v2/uptime/checks/${checkId}/alerts${id && `/${id}`}`;
  return {
    type: "digitalocean:index/uptimeAlert:UptimeAlert",
    inputs,
    autoname: true,
    computed: [],

    async create(given) {
      const { alert } = await saying(
        "Error creating Uptime Alert",
        api.post<{ alert: ApiAlert }>(path(given.checkId), requestOf(given)),
      );
      return { id: alert.id, outputs: outputsOf(alert, given.checkId) };
    },

    async read(id, old) {
      const checkId = old.inputs.checkId ?? String(old.outputs.checkId);
      const answer = await saying(
        "Error retrieving check",
        orGone(api.get<{ alert: ApiAlert }>(path(checkId, id))),
      );
      return answer && outputsOf(answer.alert, checkId);
    },

    async update(id, given) {
      const { alert } = await saying(
        "Error updating Alert",
        api.put<{ alert: ApiAlert }>(path(given.checkId, id), requestOf(given)),
      );
      return outputsOf(alert, given.checkId);
    },

    async delete(id, old) {
      await saying(
        "Error deleting uptime alerts",
        api.delete(path(String(old.outputs.checkId), id)),
      );
    },
  };
};

function requestOf({ checkId: _checkId, notifications: [first], ...rest }: Inputs) {
  return { ...rest, notifications: toApi(first ?? {}) };
}

function outputsOf(found: ApiAlert, checkId: string): Properties {
  return {
    checkId,
    name: found.name,
    type: found.type,
    threshold: found.threshold || undefined,
    comparison: found.comparison || undefined,
    period: found.period || undefined,
    notifications: [fromApi(found.notifications)],
  };
}

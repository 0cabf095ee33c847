import { z } from "zod";
import type { Resource } from "../resource.ts";
import { type Api, orGone, saying } from "./api.ts";

const inputs = z.strictObject({
  enabled: z.boolean().optional(),
  name: z.string().min(1),
  regions: z.array(z.enum(["us_east", "us_west", "eu_west", "se_asia"])).optional(),
  target: z.string().min(1),
  type: z.enum(["ping", "http", "https"]).optional(),
});

interface ApiCheck {
  id: string;
  name: string;
  type: string;
  target: string;
  regions: string[] | null;
  enabled: boolean;
}

export const uptimeCheck = (api: Api): Resource<z.infer<typeof inputs>> => ({
  type: "digitalocean:index/uptimeCheck:UptimeCheck",
  inputs,
  unordered: ["regions"],
  autoname: true,
  defaults: { enabled: true, type: "https" },
  computed: [],

  async create(given) {
    const { check } = await saying(
      "Error creating Check",
      api.post<{ check: ApiCheck }>("/v2/uptime/checks", given),
    );
    return { id: check.id, outputs: outputsOf(check) };
  },

  async read(id) {
    const answer = await saying(
      "Error retrieving check",
      orGone(api.get<{ check: ApiCheck }>(`/v2/uptime/checks/${id}`)),
    );
    return answer && outputsOf(answer.check);
  },

  async update(id, given) {
    const { check } = await saying(
      "Error updating uptime check",
      api.put<{ check: ApiCheck }>(`/v2/uptime/checks/${id}`, given),
    );
    return outputsOf(check);
  },

  async delete(id) {
    await saying("Error deleting uptime checks", api.delete(`/v2/uptime/checks/${id}`));
  },
});

function outputsOf({ name, type, target, regions, enabled }: ApiCheck) {
  return { name, type, target, enabled, regions: regions ?? [] };
}

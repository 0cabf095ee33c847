import { z } from "zod";
import type { ProviderFunction } from "../resource.ts";
import { type Api, orGone, saying } from "./api.ts";

const args = z.strictObject({ name: z.string().min(1) });

interface ApiDomain {
  name: string;
  ttl: number | null;
  zone_file: string | null;
}

export const getDomain = (api: Api): ProviderFunction => ({
  token: "digitalocean:index/getDomain:getDomain",
  async call(given) {
    const { name } = args.parse(given);
    const answer = await saying(
      "Error retrieving domain",
      orGone(api.get<{ domain: ApiDomain }>(`/v2/domains/${encodeURIComponent(name)}`)),
    );
    if (!answer) {
      throw new Error(`domain not found: the DigitalOcean account has no domain "${name}"`);
    }
    const { domain } = answer;
    return {
      id: domain.name,
      name: domain.name,
      domainUrn: `do:domain:${domain.name}`,
      ttl: domain.ttl ?? 0,
      zoneFile: domain.zone_file ?? "",
    };
  },
});

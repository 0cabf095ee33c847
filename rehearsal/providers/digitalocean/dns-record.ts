import { z } from "zod";
import type { Failure, Resource } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, ApiRefusal, orGone, saying } from "./api.ts";

const port = z.int().min(0).max(65535).optional();

const inputs = z.strictObject({
  domain: z.string().min(1),
  flags: z.int().min(0).max(255).optional(),
  name: z.string().min(1),
  port,
  priority: port,
  tag: z.enum(["issue", "issuewild", "iodef"]).optional(),
  ttl: z.int().min(1).optional(),
  type: z.enum(["A", "AAAA", "CAA", "CNAME", "MX", "NS", "TXT", "SRV", "SOA"]),
  value: z.string(),
  weight: port,
});
type Inputs = z.infer<typeof inputs>;

interface ApiRecord {
  id: number;
  type: string;
  name: string;
  data: string;
  priority: number | null;
  port: number | null;
  ttl: number;
  weight: number | null;
  flags: number | null;
  tag: string | null;
}

const NEEDED: Record<string, ("priority" | "weight" | "port" | "flags" | "tag")[]> = {
  MX: ["priority"],
  SRV: ["priority", "weight", "port"],
  CAA: ["flags", "tag"],
};

export const dnsRecord = (api: Api): Resource<Inputs> => {
  const path = (domain: string, id = "") =>
    `/v2/domains/${encodeURIComponent(domain)}/records${id && `/${id}`}`;
  return {
    type: "digitalocean:index/dnsRecord:DnsRecord",
    inputs,
    replaceOn: ["domain", "type"],
    autoname: true,
    computed: ["fqdn", "ttl"],

    check: (given): Failure[] =>
      (NEEDED[String(given.type)] ?? [])
        .filter((key) => given[key] === undefined)
        .map((property) => ({
          property,
          reason: `\`${property}\` is required for when type is \`${given.type}\``,
        })),

    async create(given) {
      const { domain_record } = await saying(
        "Failed to create record",
        api.post<{ domain_record: ApiRecord }>(path(given.domain), requestOf(given)),
      );
      return { id: String(domain_record.id), outputs: outputsOf(domain_record, given.domain) };
    },

    async read(id, old) {
      const domain = old.inputs.domain ?? (old.outputs.domain as string | undefined);
      if (domain === undefined) throw new Error(`record ${id}: its domain is not known`);
      const answer = await orGone(api.get<{ domain_record: ApiRecord }>(path(domain, id)));
      return answer && outputsOf(answer.domain_record, domain);
    },

    async update(id, given) {
      const { domain_record } = await saying(
        "Failed to update record",
        api.put<{ domain_record: ApiRecord }>(path(given.domain, id), requestOf(given)),
      );
      return outputsOf(domain_record, given.domain);
    },

    async delete(id, old) {
      await saying("Error deleting record", api.delete(path(String(old.outputs.domain), id))).catch(
        (error: unknown) => {
          if (!(error instanceof ApiRefusal) || error.status !== 404) throw error;
        },
      );
    },
  };
};

function requestOf({ domain: _domain, value, ...rest }: Inputs) {
  return { ...rest, data: value };
}

function outputsOf(found: ApiRecord, domain: string): Properties {
  const pointsAtName = ["CNAME", "MX", "NS", "SRV", "CAA"].includes(found.type);
  const bare = found.data === "@" || found.tag === "iodef" || found.data.endsWith(".");
  return {
    domain,
    name: found.name,
    type: found.type,
    value: pointsAtName && !bare ? `${found.data}.` : found.data,
    ttl: found.ttl,
    port: found.port || undefined,
    priority: found.priority ?? undefined,
    weight: found.weight || undefined,
    flags: found.flags ?? undefined,
    tag: found.tag || undefined,
    fqdn: fqdn(found.name, domain),
  };
}

function fqdn(name: string, domain: string): string {
  if (name === "@") return domain;
  return name.toLowerCase().endsWith(`${domain}.`)
    ? name.toLowerCase().slice(0, -1)
    : `${name}.${domain}`;
}

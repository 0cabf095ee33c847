/** DNS zones and their records. Nothing resolves them; the zone "localhost" is there because browsers do. */
import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { conflict, notFound, unprocessable } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import type { Domain, DomainRecord } from "./state.ts";

const TTL = 1800;

function domain(cloud: Cloud, name: string | undefined): Domain {
  const found = cloud.state.domains.find((one) => one.name === name);
  if (!found) throw notFound();
  return found;
}

function record(cloud: Cloud, name: string | undefined, id: string | undefined): DomainRecord {
  const found = domain(cloud, name).records.find((one) => String(one.id) === id);
  if (!found) throw notFound();
  return found;
}

function view({ name, ttl, records }: Domain) {
  const lines = records.map((one) => {
    const host = one.name === "@" ? `${name}.` : `${one.name}.${name}.`;
    return `${host} ${one.ttl} IN ${one.type} ${one.data}`;
  });
  return { name, ttl, zone_file: `$ORIGIN ${name}.\n$TTL ${ttl}\n${lines.join("\n")}\n` };
}

const optionalNumber = z.number().int().nullish();
const recordBody = z.strictObject({
  type: z.enum(["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SOA", "SRV", "TXT"]),
  name: z.string().min(1).default("@"),
  data: z.string().min(1),
  ttl: z.number().int().min(0).nullish(),
  priority: optionalNumber,
  port: optionalNumber,
  weight: optionalNumber,
  flags: optionalNumber,
  tag: z.string().nullish(),
});
const recordChange = recordBody.extend({ name: z.string().min(1) }).partial();

function check(type: string, data: string): void {
  if (type === "A" && !isIPv4(data)) {
    throw unprocessable("IP address did not match IPv4 format (e.g. 127.0.0.1).");
  }
  if (type === "AAAA" && !isIPv6(data)) {
    throw unprocessable("IP address did not match IPv6 format (e.g. 2001:db8::).");
  }
  if (["CNAME", "MX", "NS", "SRV"].includes(type) && data !== "@" && !data.endsWith(".")) {
    throw unprocessable("Data needs to end with a dot (.)");
  }
}

const update: Parameters<typeof routeWithBody<z.infer<typeof recordChange>>>[3] = (
  cloud,
  { params, body },
) => {
  const found = record(cloud, params.domain, params.id);
  check(body.type ?? found.type, body.data ?? found.data);
  const given = Object.fromEntries(
    Object.entries(body).filter(([, value]) => value !== undefined && value !== null),
  );
  Object.assign(found, fullRecord(found.id, { ...found, ...given }));
  return { status: 200, body: { domain_record: found } };
};

export const domainRoutes: Route[] = [
  route("GET", "/v2/domains", (cloud, call) =>
    page(call, "domains", cloud.state.domains.map(view)),
  ),
  routeWithBody(
    "POST",
    "/v2/domains",
    z.strictObject({ name: z.string().min(1), ip_address: z.string().optional() }),
    (cloud, { body }) => {
      if (cloud.state.domains.some((one) => one.name === body.name)) {
        throw unprocessable("Name already exists");
      }
      const made: Domain = { name: body.name, ttl: TTL, records: [] };
      const add = (type: string, data: string) =>
        made.records.push(fullRecord(cloud.nextId(), { type, name: "@", data }));
      for (const host of ["ns1", "ns2", "ns3"]) add("NS", `${host}.digitalocean.com`);
      if (body.ip_address) {
        check("A", body.ip_address);
        add("A", body.ip_address);
      }
      cloud.state.domains.push(made);
      return { status: 201, body: { domain: view(made) } };
    },
  ),
  route("GET", "/v2/domains/:domain", (cloud, { params }) => ({
    status: 200,
    body: { domain: view(domain(cloud, params.domain)) },
  })),
  route("DELETE", "/v2/domains/:domain", (cloud, { params }) => {
    const found = domain(cloud, params.domain);
    cloud.state.domains = cloud.state.domains.filter((one) => one !== found);
    return { status: 204 };
  }),
  route("GET", "/v2/domains/:domain/records", (cloud, call) => {
    const found = domain(cloud, call.params.domain);
    const type = call.query.get("type");
    const name = call.query.get("name");
    const full = (one: DomainRecord) =>
      one.name === "@" ? found.name : `${one.name}.${found.name}`;
    const listed = found.records.filter(
      (one) => (!type || one.type === type) && (!name || full(one) === name),
    );
    return page(call, "domain_records", listed);
  }),
  routeWithBody("POST", "/v2/domains/:domain/records", recordBody, (cloud, { params, body }) => {
    const found = domain(cloud, params.domain);
    check(body.type, body.data);
    const alike = found.records.filter((one) => one.name === body.name);
    if (
      alike.some((one) => one.type === "CNAME") ||
      (body.type === "CNAME" && alike.some((one) => one.type !== "NS"))
    ) {
      throw unprocessable("CNAME records cannot share a name with other records");
    }
    if (alike.some((one) => one.type === body.type && one.data === body.data)) {
      throw conflict("A record with the same type, name and data already exists");
    }
    const made = fullRecord(cloud.nextId(), body);
    found.records.push(made);
    return { status: 201, body: { domain_record: made } };
  }),
  route("GET", "/v2/domains/:domain/records/:id", (cloud, { params }) => ({
    status: 200,
    body: { domain_record: record(cloud, params.domain, params.id) },
  })),
  routeWithBody("PUT", "/v2/domains/:domain/records/:id", recordChange, update),
  routeWithBody("PATCH", "/v2/domains/:domain/records/:id", recordChange, update),
  route("DELETE", "/v2/domains/:domain/records/:id", (cloud, { params }) => {
    const found = record(cloud, params.domain, params.id);
    const zone = domain(cloud, params.domain);
    zone.records = zone.records.filter((one) => one !== found);
    return { status: 204 };
  }),
];

function fullRecord(
  id: number,
  given: { type: string; name: string; data: string } & {
    [field in "priority" | "port" | "ttl" | "weight" | "flags"]?: number | null | undefined;
  } & { tag?: string | null | undefined },
): DomainRecord {
  // Clients send zeros for fields that the type does not have; the API tells them as null.
  const only = <T>(types: string[], value: T | null | undefined): T | null =>
    types.includes(given.type) ? (value ?? null) : null;
  return {
    id,
    type: given.type,
    name: given.name,
    data: given.data,
    priority: only(["MX", "SRV"], given.priority),
    port: only(["SRV"], given.port),
    ttl: given.ttl || TTL,
    weight: only(["SRV"], given.weight),
    flags: only(["CAA"], given.flags),
    tag: only(["CAA"], given.tag),
  };
}

/** Private networks: each region has a default one. Droplets only show an address in it; no traffic runs there. */
import { randomUUID } from "node:crypto";
import { BlockList, isIPv4 } from "node:net";
import { z } from "zod";
import { ApiError, conflict, notFound, unprocessable } from "./api-error.ts";
import { regionOf } from "./catalog.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import { timestamp, type Vpc } from "./state.ts";

/** The VPC of this id, or the region's default one, made on first use. */
export function vpcFor(cloud: Cloud, region: string, id: string | undefined): Vpc {
  if (id) {
    const found = cloud.state.vpcs.find((vpc) => vpc.id === id);
    if (!found) throw unprocessable("VPC not found");
    if (found.region !== region) throw unprocessable("VPC and Droplet must be in the same region");
    return found;
  }
  const fallback = cloud.state.vpcs.find((vpc) => vpc.region === region && vpc.default);
  if (fallback) return fallback;
  const made = newVpc(cloud, { name: `default-${region}`, region, description: "", default: true });
  cloud.state.vpcs.push(made);
  return made;
}

/** A free address of the VPC for droplet number n. */
export function privateAddress(vpc: Vpc, n: number): string {
  const [a, b, c] = vpc.ip_range.split(/[./]/);
  return `${a}.${b}.${c}.${(n % 250) + 2}`;
}

function newVpc(
  cloud: Cloud,
  args: { name: string; region: string; description: string; default: boolean; ip_range?: string },
): Vpc {
  const third = cloud.state.vpcs.length + 1;
  return {
    id: randomUUID(),
    created_at: timestamp(),
    ...args,
    ip_range: args.ip_range ?? `10.${100 + (third >> 4)}.${(third % 16) * 16}.0/20`,
  };
}

const view = (vpc: Vpc) => ({ ...vpc, urn: `do:vpc:${vpc.id}` });

function vpc(cloud: Cloud, id: string | undefined): Vpc {
  const found = cloud.state.vpcs.find((one) => one.id === id);
  if (!found) throw notFound();
  return found;
}

function overlaps(one: string, other: string): boolean {
  const within = (network: string, cidr: string) => {
    const [base, bits] = cidr.split("/") as [string, string];
    const list = new BlockList();
    list.addSubnet(base, Number(bits));
    return list.check(network.split("/")[0] as string);
  };
  return within(one, other) || within(other, one);
}

const ipRange = z.string().refine((text) => {
  const [base, bits, ...rest] = text.split("/");
  return rest.length === 0 && isIPv4(base ?? "") && Number(bits) >= 16 && Number(bits) <= 28;
}, "must be an IPv4 network of size /16 to /28");
const name = z.string().regex(/^[\w.-]+$/, "may hold letters, numbers, dashes and dots");
const create = z.strictObject({
  name,
  region: z.string(),
  description: z.string().max(255).default(""),
  ip_range: ipRange.optional(),
});
const change = z.strictObject({
  name: name.optional(),
  description: z.string().max(255).optional(),
  default: z.boolean().optional(),
});

const update: Parameters<typeof routeWithBody<z.infer<typeof change>>>[3] = (
  cloud,
  { params, body },
) => {
  const found = vpc(cloud, params.id);
  if (body.name !== undefined) found.name = body.name;
  if (body.description !== undefined) found.description = body.description;
  if (body.default) {
    for (const other of cloud.state.vpcs) {
      if (other.region === found.region) other.default = other === found;
    }
  }
  return { status: 200, body: { vpc: view(found) } };
};

const members = (cloud: Cloud, id: string) =>
  cloud.state.droplets.filter((droplet) => droplet.vpc_uuid === id);

export const vpcRoutes: Route[] = [
  route("GET", "/v2/vpcs", (cloud, call) => page(call, "vpcs", cloud.state.vpcs.map(view))),
  routeWithBody("POST", "/v2/vpcs", create, (cloud, { body }) => {
    if (!regionOf(body.region)) throw unprocessable("region is not valid");
    if (cloud.state.vpcs.some((other) => other.name === body.name)) {
      throw conflict("VPC name already exists");
    }
    const { ip_range, ...rest } = body;
    if (ip_range) {
      const other = cloud.state.vpcs.find((one) => overlaps(one.ip_range, ip_range));
      if (other) {
        throw unprocessable(
          "This range/size overlaps with another VPC network in your account: try a different range",
        );
      }
    }
    const made = newVpc(cloud, { ...rest, ...(ip_range ? { ip_range } : {}), default: false });
    cloud.state.vpcs.push(made);
    return { status: 201, body: { vpc: view(made) } };
  }),
  route("GET", "/v2/vpcs/:id", (cloud, { params }) => ({
    status: 200,
    body: { vpc: view(vpc(cloud, params.id)) },
  })),
  route("GET", "/v2/vpcs/:id/members", (cloud, call) =>
    page(
      call,
      "members",
      members(cloud, vpc(cloud, call.params.id).id).map((droplet) => ({
        urn: `do:droplet:${droplet.id}`,
        name: droplet.name,
        created_at: droplet.created_at,
      })),
    ),
  ),
  routeWithBody("PUT", "/v2/vpcs/:id", change, update),
  routeWithBody("PATCH", "/v2/vpcs/:id", change, update),
  route("DELETE", "/v2/vpcs/:id", (cloud, { params }) => {
    const found = vpc(cloud, params.id);
    if (found.default) throw new ApiError(403, "forbidden", "Can not delete default VPCs");
    if (members(cloud, found.id).length > 0) throw conflict("Can not delete VPC with members");
    cloud.state.vpcs = cloud.state.vpcs.filter((one) => one !== found);
    return { status: 204 };
  }),
];

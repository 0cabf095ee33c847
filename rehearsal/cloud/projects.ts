/** Projects: every resource is in one; a reserved IP follows its droplet. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { ownerOf } from "./account.ts";
import { conflict, notFound, preconditionFailed } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import { type Project, timestamp } from "./state.ts";

const purposes = [
  "Just trying out DigitalOcean",
  "Class project / Educational purposes",
  "Website or blog",
  "Web Application",
  "Service or API",
  "Mobile Application",
  "Machine learning / AI / Data processing",
  "IoT",
  "Operational / Developer tooling",
];

export function defaultProject(cloud: Cloud): Project {
  return cloud.state.projects.find((project) => project.is_default) as Project;
}

/** Forgets where a deleted resource belonged. */
export function forgetUrn(cloud: Cloud, urn: string): void {
  delete cloud.state.projectOf[urn];
}

/** URNs of all that exists → when it came into its project. */
function everything(cloud: Cloud): Map<string, { project: string; assigned_at: string }> {
  const { state } = cloud;
  const fallback = defaultProject(cloud);
  const all = new Map<string, { project: string; assigned_at: string }>();
  const add = (urn: string, created: string) =>
    all.set(urn, state.projectOf[urn] ?? { project: fallback.id, assigned_at: created });
  for (const droplet of state.droplets) add(`do:droplet:${droplet.id}`, droplet.created_at);
  for (const volume of state.volumes) add(`do:volume:${volume.id}`, volume.created_at);
  for (const domain of state.domains) add(`do:domain:${domain.name}`, fallback.created_at);
  for (const { ip, droplet_id, project_id } of state.reservedIps) {
    const droplet = droplet_id === null ? undefined : all.get(`do:droplet:${droplet_id}`);
    all.set(`do:floatingip:${ip}`, {
      project: droplet?.project ?? project_id,
      assigned_at: droplet?.assigned_at ?? fallback.created_at,
    });
  }
  return all;
}

const view = (cloud: Cloud, project: Project) => ({
  ...project,
  owner_uuid: ownerOf(cloud),
  owner_id: 1,
});

function project(cloud: Cloud, id: string | undefined): Project {
  const found =
    id === "default" ? defaultProject(cloud) : cloud.state.projects.find((one) => one.id === id);
  if (!found) throw notFound();
  return found;
}

function resourceView(origin: string, urn: string, assigned_at: string, status: string) {
  const [, kind, id] = urn.split(":");
  const paths: Record<string, string> = { floatingip: "floating_ips", reservedip: "reserved_ips" };
  const self = `${origin}/v2/${paths[kind as string] ?? `${kind}s`}/${id}`;
  return { urn, assigned_at, links: { self }, status };
}

const environment = z.enum(["Development", "Staging", "Production", ""]);
const create = z.strictObject({
  name: z.string().min(1).max(175),
  purpose: z.string().min(1).max(255),
  description: z.string().max(255).default(""),
  environment: environment.default(""),
  is_default: z.boolean().optional(),
});
const change = z.strictObject({
  name: create.shape.name.nullish(),
  purpose: create.shape.purpose.nullish(),
  description: z.string().max(255).nullish(),
  environment: environment.nullish(),
  is_default: z.boolean().nullish(),
});

const shownPurpose = (text: string) =>
  purposes.includes(text) || text.startsWith("Other: ") ? text : `Other: ${text}`;

function makeDefault(cloud: Cloud, chosen: Project): void {
  for (const one of cloud.state.projects) one.is_default = one === chosen;
}

const update: Parameters<typeof routeWithBody<z.infer<typeof change>>>[3] = (
  cloud,
  { params, body },
) => {
  const found = project(cloud, params.id);
  if (body.name) refuseTaken(cloud, body.name, found);
  found.name = body.name ?? found.name;
  found.description = body.description ?? found.description;
  found.environment = body.environment ?? found.environment;
  if (body.purpose) found.purpose = shownPurpose(body.purpose);
  if (body.is_default) makeDefault(cloud, found);
  found.updated_at = timestamp();
  return { status: 200, body: { project: view(cloud, found) } };
};

function refuseTaken(cloud: Cloud, name: string, self?: Project): void {
  if (cloud.state.projects.some((one) => one !== self && one.name === name)) {
    throw conflict("name is already in use");
  }
}

export const projectRoutes: Route[] = [
  route("GET", "/v2/projects", (cloud, call) =>
    page(
      call,
      "projects",
      cloud.state.projects.map((one) => view(cloud, one)),
    ),
  ),
  routeWithBody("POST", "/v2/projects", create, (cloud, { body }) => {
    refuseTaken(cloud, body.name);
    const now = timestamp();
    const made: Project = {
      id: randomUUID(),
      name: body.name,
      description: body.description,
      purpose: shownPurpose(body.purpose),
      environment: body.environment,
      is_default: false,
      created_at: now,
      updated_at: now,
    };
    cloud.state.projects.push(made);
    if (body.is_default) makeDefault(cloud, made);
    return { status: 201, body: { project: view(cloud, made) } };
  }),
  route("GET", "/v2/projects/:id", (cloud, { params }) => ({
    status: 200,
    body: { project: view(cloud, project(cloud, params.id)) },
  })),
  routeWithBody("PUT", "/v2/projects/:id", change, update),
  routeWithBody("PATCH", "/v2/projects/:id", change, update),
  route("DELETE", "/v2/projects/:id", (cloud, { params }) => {
    const found = project(cloud, params.id);
    if (found.is_default) throw preconditionFailed("cannot delete the default project");
    if ([...everything(cloud).values()].some((place) => place.project === found.id)) {
      throw preconditionFailed(
        "cannot delete a project with resources. move or remove all resources first.",
      );
    }
    cloud.state.projects = cloud.state.projects.filter((one) => one !== found);
    return { status: 204 };
  }),
  route("GET", "/v2/projects/:id/resources", (cloud, call) => {
    const found = project(cloud, call.params.id);
    const held = [...everything(cloud)]
      .filter(([, place]) => place.project === found.id)
      .map(([urn, place]) => resourceView(call.origin, urn, place.assigned_at, "ok"));
    return page(call, "resources", held);
  }),
  routeWithBody(
    "POST",
    "/v2/projects/:id/resources",
    z.strictObject({ resources: z.array(z.string()) }),
    (cloud, { params, body, origin }) => {
      const found = project(cloud, params.id);
      const all = everything(cloud);
      const urns = body.resources.map((urn) => urn.replace(/^do:reservedip:/, "do:floatingip:"));
      for (const urn of urns) {
        const ip = cloud.state.reservedIps.find((one) => urn === `do:floatingip:${one.ip}`);
        if (ip && ip.droplet_id !== null) {
          throw preconditionFailed("Cannot move a Reserved IP with an associated Droplet");
        }
      }
      const assigned_at = timestamp();
      for (const urn of urns.filter((one) => all.has(one))) {
        const ip = cloud.state.reservedIps.find((one) => urn === `do:floatingip:${one.ip}`);
        if (ip) ip.project_id = found.id;
        else cloud.state.projectOf[urn] = { project: found.id, assigned_at };
      }
      return {
        status: 200,
        body: {
          // What does not exist is told in its status, not refused: a project lets go of it this way.
          resources: urns.map((urn) =>
            resourceView(origin, urn, assigned_at, all.has(urn) ? "assigned" : "not_found"),
          ),
          links: {},
          meta: { total: urns.length },
        },
      };
    },
  ),
];

/** Tags: made on their own or by the resource that carries one. */
import { z } from "zod";
import { notFound, unprocessable } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";

export const tagName = z
  .string()
  .regex(/^[\w:-]{1,255}$/, "may hold letters, numbers, colons, dashes and underscores");

/** Makes the tags that are not there yet, as tagging a resource does. */
export function ensureTags(cloud: Cloud, names: string[]): void {
  for (const name of names) if (!cloud.state.tags.includes(name)) cloud.state.tags.push(name);
}

interface Tagged {
  tags: string[];
}

function tagged(cloud: Cloud, type: string, id: string): Tagged {
  const { state } = cloud;
  const found =
    type === "droplet"
      ? state.droplets.find((droplet) => String(droplet.id) === id)
      : type === "volume"
        ? state.volumes.find((volume) => volume.id === id)
        : type === "volume_snapshot"
          ? state.snapshots.find((snapshot) => snapshot.id === id)
          : undefined;
  if (!found) throw unprocessable(`Could not find a ${type} with the id ${id}.`);
  return found;
}

function view(cloud: Cloud, name: string) {
  const count = (list: Tagged[]) => ({
    count: list.filter((item) => item.tags.includes(name)).length,
  });
  const { droplets, volumes, snapshots } = cloud.state;
  return {
    name,
    resources: {
      ...count([...droplets, ...volumes, ...snapshots]),
      droplets: count(droplets),
      images: { count: 0 },
      volumes: count(volumes),
      volume_snapshots: count(snapshots),
      databases: { count: 0 },
    },
  };
}

function existing(cloud: Cloud, name: string | undefined): string {
  if (name === undefined || !cloud.state.tags.includes(name)) throw notFound();
  return name;
}

const resources = z.strictObject({
  resources: z.array(
    z.strictObject({
      resource_id: z.union([z.string(), z.number()]).transform(String),
      resource_type: z.enum(["droplet", "volume", "volume_snapshot"]),
    }),
  ),
});

export const tagRoutes: Route[] = [
  route("GET", "/v2/tags", (cloud, call) =>
    page(
      call,
      "tags",
      cloud.state.tags.map((name) => view(cloud, name)),
    ),
  ),
  routeWithBody("POST", "/v2/tags", z.strictObject({ name: tagName }), (cloud, { body }) => {
    ensureTags(cloud, [body.name]);
    return { status: 201, body: { tag: view(cloud, body.name) } };
  }),
  route("GET", "/v2/tags/:name", (cloud, { params }) => ({
    status: 200,
    body: { tag: view(cloud, existing(cloud, params.name)) },
  })),
  route("DELETE", "/v2/tags/:name", (cloud, { params }) => {
    const name = existing(cloud, params.name);
    const { state } = cloud;
    state.tags = state.tags.filter((tag) => tag !== name);
    for (const item of [
      ...state.droplets,
      ...state.volumes,
      ...state.snapshots,
      ...state.firewalls,
    ]) {
      item.tags = item.tags.filter((tag) => tag !== name);
    }
    return { status: 204 };
  }),
  routeWithBody("POST", "/v2/tags/:name/resources", resources, (cloud, { params, body }) => {
    const name = existing(cloud, params.name);
    for (const { resource_id, resource_type } of body.resources) {
      const item = tagged(cloud, resource_type, resource_id);
      if (!item.tags.includes(name)) item.tags.push(name);
    }
    return { status: 204 };
  }),
  routeWithBody("DELETE", "/v2/tags/:name/resources", resources, (cloud, { params, body }) => {
    const name = existing(cloud, params.name);
    for (const { resource_id, resource_type } of body.resources) {
      const item = tagged(cloud, resource_type, resource_id);
      item.tags = item.tags.filter((tag) => tag !== name);
    }
    return { status: 204 };
  }),
];

/** Snapshots of volumes: crash-consistent copies of the disk. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { notFound } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import { type Snapshot, timestamp } from "./state.ts";
import { ensureTags, tagName } from "./tags.ts";
import { volumeAt } from "./volumes.ts";

const view = (snapshot: Snapshot) => ({
  id: snapshot.id,
  name: snapshot.name,
  created_at: snapshot.created_at,
  regions: [snapshot.region],
  resource_id: snapshot.volume_id,
  resource_type: "volume",
  min_disk_size: snapshot.size_gigabytes,
  size_gigabytes: snapshot.size_gigabytes,
  tags: snapshot.tags,
});

function snapshot(cloud: Cloud, id: string | undefined): Snapshot {
  const found = cloud.state.snapshots.find((one) => one.id === id);
  if (!found) throw notFound();
  return found;
}

const create = z.strictObject({
  name: z.string().min(1),
  /** The real client repeats the volume's id from the path. */
  volume_id: z.string().optional(),
  description: z.string().optional(),
  tags: z.array(tagName).nullish(),
});

export const snapshotRoutes: Route[] = [
  route("GET", "/v2/volumes/:id/snapshots", (cloud, call) => {
    const volume = volumeAt(cloud, call.params.id);
    const listed = cloud.state.snapshots.filter((one) => one.volume_id === volume.id);
    return page(call, "snapshots", listed.map(view));
  }),
  routeWithBody("POST", "/v2/volumes/:id/snapshots", create, async (cloud, { params, body }) => {
    const volume = volumeAt(cloud, params.id);
    ensureTags(cloud, body.tags ?? []);
    const made: Snapshot = {
      id: randomUUID(),
      name: body.name,
      created_at: timestamp(),
      region: volume.region,
      volume_id: volume.id,
      size_gigabytes: volume.size_gigabytes,
      tags: body.tags ?? [],
    };
    await cloud.driver.snapshotVolume(volume.id, made.id);
    cloud.state.snapshots.push(made);
    return { status: 201, body: { snapshot: view(made) } };
  }),
  route("GET", "/v2/snapshots", (cloud, call) => {
    const type = call.query.get("resource_type");
    const listed = type === "droplet" ? [] : cloud.state.snapshots;
    return page(call, "snapshots", listed.map(view));
  }),
  route("GET", "/v2/snapshots/:id", (cloud, { params }) => ({
    status: 200,
    body: { snapshot: view(snapshot(cloud, params.id)) },
  })),
  route("DELETE", "/v2/snapshots/:id", async (cloud, { params }) => {
    const found = snapshot(cloud, params.id);
    await cloud.driver.removeSnapshot(found.id);
    cloud.state.snapshots = cloud.state.snapshots.filter((one) => one !== found);
    return { status: 204 };
  }),
];

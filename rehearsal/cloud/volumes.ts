/** Block volumes: sparse disks that outlive the droplet they are attached to. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { VOLUME_LIMIT } from "./account.ts";
import { actionView } from "./actions.ts";
import { ApiError, conflict, notFound, pendingEvent, unprocessable } from "./api-error.ts";
import { regionOf } from "./catalog.ts";
import type { Cloud } from "./cloud.ts";
import type { Job } from "./job.ts";
import { page } from "./page.ts";
import { forgetUrn } from "./projects.ts";
import { type Reply, type Route, route, routeWithBody } from "./route.ts";
import { type Action, timestamp, type Volume } from "./state.ts";
import { ensureTags, tagName } from "./tags.ts";

const MAX_GIB = 16_384;

export function findVolume(cloud: Cloud, id: string | undefined): Volume | undefined {
  return cloud.state.volumes.find((volume) => volume.id === id);
}

export function attachedTo(cloud: Cloud, dropletId: number): Volume[] {
  return cloud.state.volumes.filter((volume) => volume.droplet_id === dropletId);
}

export function volumeAt(cloud: Cloud, id: string | undefined): Volume {
  const found = findVolume(cloud, id);
  if (!found) throw notFound();
  return found;
}

/** Lets the droplet have exactly the volumes that the state says it has. */
export async function plugVolumes(cloud: Cloud, dropletId: number): Promise<void> {
  await cloud.driver.setVolumes(
    dropletId,
    attachedTo(cloud, dropletId).map(({ id, name, attached_before }) => ({
      id,
      name,
      first: !attached_before,
    })),
  );
  for (const volume of attachedTo(cloud, dropletId)) volume.attached_before = true;
}

const view = (volume: Volume) => ({
  id: volume.id,
  region: regionOf(volume.region),
  droplet_ids: volume.droplet_id === null ? [] : [volume.droplet_id],
  name: volume.name,
  description: volume.description,
  size_gigabytes: volume.size_gigabytes,
  created_at: volume.created_at,
  filesystem_type: volume.filesystem_type,
  filesystem_label: volume.filesystem_label,
  tags: volume.tags,
});

const size = z.number().int().min(1).max(MAX_GIB);
const create = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{0,63}$/,
      "must be lowercase letters, numbers and dashes, begin with a letter, 64 at most",
    ),
  region: z.string().nullish(),
  size_gigabytes: size,
  description: z.string().nullish(),
  filesystem_type: z.enum(["", "ext4", "xfs"]).nullish(),
  filesystem_label: z.string().max(16).nullish(),
  snapshot_id: z.string().nullish(),
  tags: z.array(tagName).nullish(),
});

const attach = z.strictObject({
  type: z.literal("attach"),
  droplet_id: z.number().int(),
  region: z.string().optional(),
  volume_name: z.string().optional(),
  tags: z.array(tagName).optional(),
});
const detach = attach.omit({ tags: true }).extend({ type: z.literal("detach") });
const resize = z.strictObject({
  type: z.literal("resize"),
  size_gigabytes: size,
  region: z.string().optional(),
});
const actionBody = z.discriminatedUnion("type", [attach, detach, resize]);
const byName = z.discriminatedUnion("type", [
  attach.required({ volume_name: true }),
  detach.required({ volume_name: true }),
]);

function start(cloud: Cloud, volume: Volume, type: string, job: Job): Reply {
  const action: Action = cloud.startAction(job, {
    type,
    resource_id: null,
    resource_type: "volume",
    region_slug: volume.region,
  });
  return { status: 202, body: { action: actionView(action) } };
}

function act(cloud: Cloud, volume: Volume, asked: z.infer<typeof actionBody>): Reply {
  const busy = cloud.state.actions.some(
    ({ status, job }) => status === "in-progress" && "volume" in job && job.volume === volume.id,
  );
  if (asked.type === "resize") {
    if (busy) throw unprocessable("Volume already has a pending event.");
    if (asked.size_gigabytes <= volume.size_gigabytes) {
      throw unprocessable("New volume size must be larger than the current size.");
    }
    return start(cloud, volume, "resize_volume", {
      do: "resize-volume",
      droplet: volume.droplet_id,
      volume: volume.id,
      sizeGib: asked.size_gigabytes,
    });
  }
  const droplet = cloud.state.droplets.find((one) => one.id === asked.droplet_id);
  if (!droplet) throw notFound();
  if (cloud.isBusy(droplet.id) || busy) throw pendingEvent();
  if (asked.type === "attach") {
    if (volume.droplet_id !== null) {
      throw unprocessable("Volume is already attached to a Droplet.");
    }
    if (droplet.region !== volume.region) {
      throw unprocessable("The volume and the Droplet must be in the same region.");
    }
    return start(cloud, volume, "attach_volume", {
      do: "attach-volume",
      droplet: droplet.id,
      volume: volume.id,
    });
  }
  if (volume.droplet_id !== droplet.id) {
    throw unprocessable("Volume is not attached to this Droplet.");
  }
  return start(cloud, volume, "detach_volume", {
    do: "detach-volume",
    droplet: droplet.id,
    volume: volume.id,
  });
}

export async function performVolume(
  cloud: Cloud,
  job: Extract<Job, { do: "attach-volume" | "detach-volume" | "resize-volume" }>,
): Promise<void> {
  const volume = findVolume(cloud, job.volume);
  if (!volume) throw new Error(`volume ${job.volume} is gone`);
  if (job.do === "resize-volume") {
    await cloud.driver.growVolume(volume.id, job.sizeGib);
    volume.size_gigabytes = job.sizeGib;
    return;
  }
  const before = volume.droplet_id;
  volume.droplet_id = job.do === "attach-volume" ? job.droplet : null;
  try {
    await plugVolumes(cloud, job.droplet);
  } catch (error) {
    volume.droplet_id = before;
    throw error;
  }
}

async function remove(cloud: Cloud, volume: Volume): Promise<Reply> {
  if (volume.droplet_id !== null) {
    throw conflict("Volume is attached to a Droplet; detach it first.");
  }
  await cloud.driver.removeVolume(volume.id);
  cloud.state.volumes = cloud.state.volumes.filter((one) => one !== volume);
  forgetUrn(cloud, `do:volume:${volume.id}`);
  return { status: 204 };
}

function named(cloud: Cloud, name: string | null | undefined, region: string | null | undefined) {
  const found = cloud.state.volumes.find(
    (volume) => volume.name === name && (!region || volume.region === region),
  );
  if (!found) throw notFound();
  return found;
}

export const volumeRoutes: Route[] = [
  route("GET", "/v2/volumes", (cloud, call) => {
    const name = call.query.get("name");
    const region = call.query.get("region");
    const listed = cloud.state.volumes.filter(
      (volume) => (!name || volume.name === name) && (!region || volume.region === region),
    );
    return page(call, "volumes", listed.map(view));
  }),
  routeWithBody("POST", "/v2/volumes", create, async (cloud, { body }) => {
    const snapshot = cloud.state.snapshots.find((one) => one.id === body.snapshot_id);
    if (body.snapshot_id && !snapshot) throw unprocessable("snapshot does not exist");
    const region = body.region ?? snapshot?.region;
    if (!region || !regionOf(region)) throw unprocessable("region is not valid");
    if (snapshot && snapshot.size_gigabytes > body.size_gigabytes) {
      throw unprocessable("size_gigabytes must not be below the size of the snapshot");
    }
    if (body.filesystem_label && !body.filesystem_type) {
      throw unprocessable("filesystem_label needs a filesystem_type");
    }
    if (cloud.state.volumes.some((other) => other.name === body.name && other.region === region)) {
      throw conflict("A volume with this name already exists in the region.");
    }
    if (cloud.state.volumes.length >= VOLUME_LIMIT) {
      throw new ApiError(403, "forbidden", "The volume limit of the account is reached.");
    }
    ensureTags(cloud, body.tags ?? []);
    const made: Volume = {
      id: randomUUID(),
      name: body.name,
      description: body.description ?? "",
      region,
      size_gigabytes: body.size_gigabytes,
      filesystem_type: body.filesystem_type ?? "",
      filesystem_label: body.filesystem_label ?? "",
      snapshot_id: snapshot?.id ?? null,
      droplet_id: null,
      attached_before: snapshot !== undefined,
      tags: body.tags ?? [],
      created_at: timestamp(),
    };
    cloud.state.volumes.push(made);
    try {
      await cloud.driver.createVolume(
        {
          id: made.id,
          name: made.name,
          sizeGib: made.size_gigabytes,
          filesystem: made.filesystem_type,
          label: made.filesystem_label,
        },
        snapshot?.id,
      );
    } catch (error) {
      cloud.state.volumes = cloud.state.volumes.filter((one) => one !== made);
      throw error;
    }
    return { status: 201, body: { volume: view(made) } };
  }),
  route("DELETE", "/v2/volumes", (cloud, { query }) =>
    remove(cloud, named(cloud, query.get("name"), query.get("region"))),
  ),
  routeWithBody("POST", "/v2/volumes/actions", byName, (cloud, { body }) =>
    act(cloud, named(cloud, body.volume_name, body.region), body),
  ),
  route("GET", "/v2/volumes/:id", (cloud, { params }) => ({
    status: 200,
    body: { volume: view(volumeAt(cloud, params.id)) },
  })),
  route("DELETE", "/v2/volumes/:id", (cloud, { params }) =>
    remove(cloud, volumeAt(cloud, params.id)),
  ),
  routeWithBody("POST", "/v2/volumes/:id/actions", actionBody, (cloud, { params, body }) =>
    act(cloud, volumeAt(cloud, params.id), body),
  ),
];

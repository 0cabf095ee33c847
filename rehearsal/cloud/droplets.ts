/** Droplets: made, shown and destroyed. */
import { z } from "zod";
import type { DropletSpec } from "../droplet/driver.ts";
import { DROPLET_LIMIT } from "./account.ts";
import { ApiError, notFound, unprocessable } from "./api-error.ts";
import { imageOf, regionOf, sizeOf } from "./catalog.ts";
import type { Cloud } from "./cloud.ts";
import { namedPorts } from "./doors.ts";
import { sshDelayMs } from "./faults.ts";
import { findKey } from "./keys.ts";
import { page } from "./page.ts";
import { forgetUrn } from "./projects.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import { type BackupPolicy, type Droplet, timestamp } from "./state.ts";
import { ensureTags, tagName } from "./tags.ts";
import { attachedTo, findVolume, plugVolumes } from "./volumes.ts";
import { privateAddress, vpcFor } from "./vpcs.ts";

const MAX_USER_DATA_BYTES = 65_536;
const MAX_HOSTS = 250;

export function findDroplet(cloud: Cloud, id: string | number | undefined): Droplet | undefined {
  return cloud.state.droplets.find((droplet) => String(droplet.id) === String(id));
}

/** The droplet that a path names; 404 when there is none. */
export function dropletAt(cloud: Cloud, id: string | undefined): Droplet {
  const found = findDroplet(cloud, id);
  if (!found) throw notFound();
  return found;
}

/** The droplet that a job works on; a job of a droplet that is gone fails. */
export function dropletOf(cloud: Cloud, id: number): Droplet {
  const found = findDroplet(cloud, id);
  if (!found) throw new Error(`droplet ${id} is gone`);
  return found;
}

export function limitsOf(droplet: Droplet): { memoryMib: number; vcpus: number } {
  const size = sizeOf(droplet.size);
  return { memoryMib: size?.memory ?? 1024, vcpus: size?.vcpus ?? 1 };
}

export const backupPolicy = z.strictObject({
  plan: z.enum(["daily", "weekly", "4hourly"]),
  weekday: z.enum(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", ""]).optional(),
  hour: z.number().int().min(0).max(20).multipleOf(4).optional(),
});

/** As the API fills it in: daily at midnight when nothing is said. */
export function fullBackupPolicy(given: BackupPolicy | null | undefined): BackupPolicy {
  const plan = given?.plan ?? "daily";
  return {
    plan,
    ...(plan === "weekly" ? { weekday: given?.weekday || "SUN" } : {}),
    hour: given?.hour ?? 0,
  };
}

const volumeReference = z.union([
  z.string(),
  z.strictObject({ id: z.string().optional(), name: z.string().optional() }),
]);

const create = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/,
      "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
    ),
  region: z.string(),
  size: z.string(),
  image: z.union([z.string(), z.number()]),
  ssh_keys: z.array(z.union([z.string(), z.number()])).nullish(),
  backups: z.boolean().nullish(),
  backup_policy: backupPolicy.nullish(),
  ipv6: z.boolean().nullish(),
  private_networking: z.boolean().nullish(),
  public_networking: z.boolean().nullish(),
  monitoring: z.boolean().nullish(),
  with_droplet_agent: z.boolean().nullish(),
  user_data: z.string().nullish(),
  volumes: z.array(volumeReference).nullish(),
  tags: z.array(tagName).nullish(),
  vpc_uuid: z.string().nullish(),
});

function features(body: z.infer<typeof create>): string[] {
  return [
    ...(body.backups ? ["backups"] : []),
    ...(body.monitoring ? ["monitoring"] : []),
    ...(body.with_droplet_agent === false ? [] : ["droplet_agent"]),
    ...(body.ipv6 ? ["ipv6"] : []),
    "private_networking",
  ];
}

function nextAddress(cloud: Cloud): string {
  const taken = new Set(cloud.state.droplets.map((droplet) => droplet.address));
  for (let tries = 0; tries < MAX_HOSTS; tries += 1) {
    cloud.state.lastDropletHost = (cloud.state.lastDropletHost % MAX_HOSTS) + 1;
    const address = `127.${cloud.block}.1.${cloud.state.lastDropletHost}`;
    if (!taken.has(address)) return address;
  }
  throw unprocessable("no address is left for another droplet");
}

export function dropletView(cloud: Cloud, droplet: Droplet) {
  const size = sizeOf(droplet.size);
  const region = regionOf(droplet.region);
  const { status } = droplet;
  const network = (ip_address: string, type: string) => ({
    ip_address,
    netmask: "255.255.255.0",
    gateway: ip_address.replace(/\d+$/, "254"),
    type,
  });
  return {
    id: droplet.id,
    name: droplet.name,
    memory: size?.memory,
    vcpus: size?.vcpus,
    disk: droplet.disk,
    disk_info: [{ type: "local", size: { amount: droplet.disk, unit: "gib" } }],
    locked: cloud.isBusy(droplet.id),
    status,
    kernel: null,
    created_at: droplet.created_at,
    features: droplet.features,
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: [],
    image: imageOf(droplet.image),
    volume_ids: attachedTo(cloud, droplet.id).map((volume) => volume.id),
    size,
    size_slug: droplet.size,
    networks: {
      v4:
        status === "new"
          ? []
          : [network(droplet.address, "public"), network(droplet.private_address, "private")],
      v6: [],
    },
    region,
    tags: droplet.tags,
    vpc_uuid: droplet.vpc_uuid,
  };
}

function destroy(cloud: Cloud, droplet: Droplet): void {
  const underWay = cloud.state.actions.some(
    ({ status, job }) =>
      status === "in-progress" && job.do === "destroy-droplet" && job.droplet === droplet.id,
  );
  if (underWay) return;
  cloud.startAction(
    { do: "destroy-droplet", droplet: droplet.id },
    {
      type: "destroy",
      resource_id: droplet.id,
      resource_type: "droplet",
      region_slug: droplet.region,
    },
  );
}

/** What the driver has to know to make this droplet. */
export function specOf(cloud: Cloud, droplet: Droplet): DropletSpec {
  return {
    id: droplet.id,
    name: droplet.name,
    image: droplet.image,
    userData: droplet.user_data,
    publicKeys: droplet.public_keys,
    ...limitsOf(droplet),
    address: droplet.address,
    ports: namedPorts(cloud),
  };
}

export async function performCreate(cloud: Cloud, id: number, volumes: string[]): Promise<void> {
  const droplet = dropletOf(cloud, id);
  await cloud.driver.create(specOf(cloud, droplet));
  for (const volumeId of volumes) {
    const volume = findVolume(cloud, volumeId);
    if (volume && volume.droplet_id === null) volume.droplet_id = id;
  }
  await plugVolumes(cloud, id);
  await cloud.driver.start(id);
  droplet.status = "active";
}

export async function performDestroy(cloud: Cloud, id: number): Promise<void> {
  const droplet = findDroplet(cloud, id);
  if (!droplet) return;
  await cloud.driver.powerOff(id);
  await cloud.driver.setVolumes(id, []);
  await cloud.driver.destroy(id);
  const { state } = cloud;
  for (const volume of attachedTo(cloud, id)) volume.droplet_id = null;
  for (const reserved of state.reservedIps) {
    if (reserved.droplet_id === id) reserved.droplet_id = null;
  }
  for (const firewall of state.firewalls) {
    firewall.droplet_ids = firewall.droplet_ids.filter((one) => one !== id);
  }
  state.droplets = state.droplets.filter((one) => one.id !== id);
  forgetUrn(cloud, `do:droplet:${id}`);
}

export const dropletRoutes: Route[] = [
  route("GET", "/v2/droplets", (cloud, call) => {
    const tag = call.query.get("tag_name");
    const name = call.query.get("name");
    const listed = cloud.state.droplets.filter(
      (droplet) => (!tag || droplet.tags.includes(tag)) && (!name || droplet.name === name),
    );
    return page(
      call,
      "droplets",
      listed.map((droplet) => dropletView(cloud, droplet)),
    );
  }),
  routeWithBody("POST", "/v2/droplets", create, (cloud, { body, origin }) => {
    const { state } = cloud;
    const size = sizeOf(body.size);
    const image = imageOf(body.image);
    if (!regionOf(body.region)) {
      throw unprocessable("You specified an invalid region for Droplet creation.");
    }
    if (!size) throw unprocessable("You specified an invalid size for Droplet creation.");
    if (!image) throw unprocessable("You specified an invalid image for Droplet creation.");
    if (size.disk < image.min_disk_size) {
      throw unprocessable("The image is too large for the disk of this size.");
    }
    const keys = (body.ssh_keys ?? []).map((wanted) => ({ wanted, key: findKey(cloud, wanted) }));
    const unknown = keys.filter(({ key }) => !key).map(({ wanted }) => wanted);
    if (unknown.length > 0) {
      throw unprocessable(
        `${unknown.join(", ")} are invalid key identifiers for Droplet creation.`,
      );
    }
    if (Buffer.byteLength(body.user_data ?? "") > MAX_USER_DATA_BYTES) {
      throw unprocessable("User data is too large: 64 KiB at most.");
    }
    if (body.backup_policy && !body.backups) {
      throw unprocessable("backup_policy needs backups to be enabled");
    }
    const volumes = (body.volumes ?? []).map((reference) => {
      const wanted = typeof reference === "string" ? { id: reference } : reference;
      const found = state.volumes.find(
        (volume) => volume.id === wanted.id || (wanted.name && volume.name === wanted.name),
      );
      if (!found) throw unprocessable("You specified an invalid volume for Droplet creation.");
      if (found.region !== body.region) {
        throw unprocessable("The volume and the Droplet must be in the same region.");
      }
      const promised = state.actions.some(
        ({ status, job }) =>
          status === "in-progress" && job.do === "create-droplet" && job.volumes.includes(found.id),
      );
      if (found.droplet_id !== null || promised) {
        throw unprocessable("Volume is already attached to a Droplet.");
      }
      return found.id;
    });
    if (state.droplets.length >= DROPLET_LIMIT) {
      throw unprocessable("creating this/these droplet(s) will exceed your droplet limit");
    }
    const vpc = vpcFor(cloud, body.region, body.vpc_uuid ?? undefined);
    ensureTags(cloud, body.tags ?? []);
    const sshDelay = sshDelayMs(cloud);
    const address = nextAddress(cloud);
    const droplet: Droplet = {
      id: cloud.nextId(),
      name: body.name,
      region: body.region,
      size: size.slug,
      disk: size.disk,
      image: image.slug,
      status: "new",
      created_at: timestamp(),
      address,
      private_address: privateAddress(vpc, state.lastDropletHost),
      vpc_uuid: vpc.id,
      features: features(body),
      backup_policy: body.backups ? fullBackupPolicy(body.backup_policy) : null,
      user_data: body.user_data ?? "",
      public_keys: keys.flatMap(({ key }) => (key ? [key.public_key] : [])),
      tags: body.tags ?? [],
      ssh_opens_at: sshDelay > 0 ? new Date(Date.now() + sshDelay).toISOString() : null,
    };
    state.droplets.push(droplet);
    const action = cloud.startAction(
      { do: "create-droplet", droplet: droplet.id, volumes },
      {
        type: "create",
        resource_id: droplet.id,
        resource_type: "droplet",
        region_slug: droplet.region,
      },
    );
    return {
      status: 202,
      body: {
        droplet: dropletView(cloud, droplet),
        links: {
          actions: [{ id: action.id, rel: "create", href: `${origin}/v2/actions/${action.id}` }],
        },
      },
    };
  }),
  route("DELETE", "/v2/droplets", (cloud, { query }) => {
    const tag = query.get("tag_name");
    if (!tag) throw new ApiError(400, "bad_request", "tag_name is needed.");
    for (const droplet of cloud.state.droplets) {
      if (droplet.tags.includes(tag)) destroy(cloud, droplet);
    }
    return { status: 204 };
  }),
  route("GET", "/v2/droplets/:id", (cloud, { params }) => ({
    status: 200,
    body: { droplet: dropletView(cloud, dropletAt(cloud, params.id)) },
  })),
  route("DELETE", "/v2/droplets/:id", (cloud, { params }) => {
    destroy(cloud, dropletAt(cloud, params.id));
    return { status: 204 };
  }),
  route("GET", "/v2/droplets/:id/backups/policy", (cloud, { params }) => {
    const droplet = dropletAt(cloud, params.id);
    return {
      status: 200,
      body: {
        policy: {
          droplet_id: droplet.id,
          backup_enabled: droplet.backup_policy !== null,
          ...(droplet.backup_policy ? { backup_policy: droplet.backup_policy } : {}),
          next_backup_window: null,
        },
      },
    };
  }),
  route("GET", "/v2/droplets/:id/neighbors", (cloud, call) => {
    dropletAt(cloud, call.params.id);
    return page(call, "droplets", []);
  }),
  route("GET", "/v2/droplets/:id/firewalls", (cloud, call) => {
    const droplet = dropletAt(cloud, call.params.id);
    return page(
      call,
      "firewalls",
      cloud.state.firewalls.filter(
        (firewall) =>
          firewall.droplet_ids.includes(droplet.id) ||
          firewall.tags.some((tag) => droplet.tags.includes(tag)),
      ),
    );
  }),
];

import { createHash } from "node:crypto";
import { z } from "zod";
import { type Failure, type Operation, type Resource, UnfinishedObject } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, ApiRefusal, orGone, saying } from "./api.ts";
import { tagName } from "./tag.ts";
import { changeTags } from "./tags.ts";
import { type Action, waitFor, waitForAction } from "./wait.ts";

const inputs = z.strictObject({
  backupPolicy: z
    .strictObject({
      hour: z.int().min(0).max(20).optional(),
      plan: z.enum(["daily", "weekly"]).optional(),
      weekday: z.enum(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]).optional(),
    })
    .optional(),
  backups: z.boolean().optional(),
  dropletAgent: z.boolean().optional(),
  gpuPartitionMode: z.string().optional(),
  gracefulShutdown: z.boolean().optional(),
  /** Slug or number of an image. */
  image: z.string().min(1),
  ipv6: z.boolean().optional(),
  ipv6Address: z.string().optional(),
  monitoring: z.boolean().optional(),
  name: z.string().min(1),
  privateNetworking: z.boolean().optional(),
  publicNetworking: z.boolean().optional(),
  region: z.string().min(1).optional(),
  resizeDisk: z.boolean().optional(),
  size: z.string().min(1),
  /** Numbers or fingerprints of SSH keys. */
  sshKeys: z.array(z.string().min(1)).optional(),
  tags: z.array(tagName).optional(),
  userData: z.string().min(1).optional(),
  volumeIds: z.array(z.string()).optional(),
  vpcUuid: z.string().min(1).optional(),
});
type Inputs = z.infer<typeof inputs>;

interface ApiDroplet {
  id: number;
  name: string;
  memory: number;
  vcpus: number;
  disk: number;
  locked: boolean;
  status: "new" | "active" | "off" | "archive";
  created_at: string;
  features: string[] | null;
  region: { slug: string };
  size: { slug: string; price_hourly: number; price_monthly: number };
  networks: Record<"v4" | "v6", { ip_address: string; type: "public" | "private" }[] | null>;
  volume_ids: string[] | null;
  tags: string[] | null;
  vpc_uuid: string;
}

const CREATE_SECONDS = 60 * 60;
const UPDATE_SECONDS = 60 * 60;
/** The real provider's, easily too short for a server that stops its services first: see customTimeouts. */
const DELETE_SECONDS = 60;
/** Fixed in the real provider, whatever the program's customTimeouts say. */
const VANISH_SECONDS = 60;

export const droplet = (api: Api): Resource<Inputs> => {
  const get = async (id: string) =>
    (
      await saying(
        "Error retrieving droplet",
        orGone(api.get<{ droplet: ApiDroplet }>(`/v2/droplets/${id}`)),
      )
    )?.droplet;

  const act = (id: string, type: string, more: object = {}) =>
    api
      .post<{ action: Action }>(`/v2/droplets/${id}/actions`, { type, ...more })
      .then(({ action }) => action);

  /** Waits until an unlocked droplet is as wished. */
  const waitUntil = (
    id: string,
    what: string,
    wished: (found: ApiDroplet) => boolean,
    seconds: number,
    signal?: AbortSignal,
  ) =>
    waitFor(
      `droplet (${id}) to ${what}`,
      seconds,
      async () => {
        const found = await get(id);
        return found && !found.locked && wished(found) ? found : undefined;
      },
      signal,
    );

  /** A droplet that the cloud failed to make stays "new" for ever; the wait for it must not. */
  const waitUntilMade = (id: string, seconds: number, signal?: AbortSignal) =>
    waitFor(
      `droplet (${id}) to become ready`,
      seconds,
      async () => {
        const found = await get(id);
        if (!found) return undefined;
        if (found.status !== "new") return found.locked ? undefined : found;
        const { actions } = await api.get<{ actions: Action[] }>(
          `/v2/droplets/${id}/actions?per_page=50`,
        );
        if (actions.some(({ type, status }) => type === "create" && status === "errored")) {
          throw new Error("the cloud could not make it (its action create errored)");
        }
        return undefined;
      },
      signal,
    );

  const detach = async (id: string, volumes: readonly string[], operation: Operation) => {
    for (const volume of volumes) {
      const { action } = await saying(
        `Error detaching volume "${volume}" from droplet (${id})`,
        api.post<{ action: Action }>(`/v2/volumes/${volume}/actions`, {
          type: "detach",
          droplet_id: Number(id),
        }),
      );
      await waitForAction(api, action, operation);
    }
  };

  const resize = async (id: string, given: Inputs, seconds: number, { signal }: Operation) => {
    await act(id, "power_off").catch((error: Error) => {
      if (!error.message.includes("Droplet is already powered off")) {
        throw new Error(`Error powering off droplet (${id}): ${error.message}`);
      }
    });
    await waitUntil(id, "become powered off", ({ status }) => status === "off", seconds, signal);
    let refusal: Error | undefined;
    try {
      const action = await saying(
        `Error resizing droplet (${id})`,
        act(id, "resize", { size: given.size, disk: given.resizeDisk ?? true }),
      );
      // Once it has begun, it is seen through: the droplet must not be left switched off.
      await waitForAction(api, action, {
        signal: new AbortController().signal,
        timeoutSeconds: seconds,
      });
    } catch (error) {
      refusal = error as Error;
    }
    await saying(`Error powering on droplet (${id}) after resize`, act(id, "power_on"));
    await waitUntil(id, "become active", ({ status }) => status === "active", seconds);
    if (refusal) throw refusal;
  };

  const changeBackups = async (id: string, given: Inputs, old: Inputs, operation: Operation) => {
    const policy = given.backupPolicy && { backup_policy: given.backupPolicy };
    const changes: [string, object][] = [];
    if ((given.backups ?? false) !== (old.backups ?? false)) {
      changes.push(given.backups ? ["enable_backups", policy ?? {}] : ["disable_backups", {}]);
    }
    if (policy && JSON.stringify(given.backupPolicy) !== JSON.stringify(old.backupPolicy)) {
      changes.push(["change_backup_policy", policy]);
    }
    for (const [type, more] of changes) {
      const action = await saying(`Error in ${type} on droplet (${id})`, act(id, type, more));
      await waitForAction(api, action, operation);
    }
  };

  return {
    type: "digitalocean:index/droplet:Droplet",
    inputs,
    replaceOn: [
      "dropletAgent",
      "gpuPartitionMode",
      "image",
      "monitoring",
      "publicNetworking",
      "region",
      "sshKeys",
      "userData",
      "vpcUuid",
    ],
    unordered: ["sshKeys", "tags", "volumeIds"],
    autoname: true,
    defaults: {
      backups: false,
      gracefulShutdown: false,
      ipv6: false,
      monitoring: false,
      resizeDisk: true,
    },
    computed: [
      "createdAt",
      "disk",
      "dropletUrn",
      "ipv4Address",
      "ipv4AddressPrivate",
      "ipv6Address",
      "locked",
      "memory",
      "priceHourly",
      "priceMonthly",
      "privateNetworking",
      "publicNetworking",
      "region",
      "status",
      "vcpus",
      "volumeIds",
      "vpcUuid",
    ],

    check(given): Failure[] {
      if (given.backupPolicy === undefined || given.backups !== false) return [];
      return [
        {
          property: "backupPolicy",
          reason: "backup_policy can only be set when backups are enabled",
        },
      ];
    },

    replacesFor: (old, next) => (old.ipv6 === true && next.ipv6 === false ? ["ipv6"] : []),

    async create(given, { timeoutSeconds }) {
      const { droplet: made } = await saying(
        "Error creating droplet",
        api.post<{ droplet: ApiDroplet }>("/v2/droplets", {
          name: given.name,
          region: given.region?.toLowerCase(),
          size: given.size.toLowerCase(),
          image: numberOr(given.image),
          ssh_keys: given.sshKeys?.map(numberOr) ?? [],
          backups: given.backups ?? false,
          backup_policy: given.backupPolicy,
          ipv6: given.ipv6 ?? false,
          monitoring: given.monitoring ?? false,
          private_networking: given.privateNetworking,
          public_networking: given.publicNetworking === false ? false : undefined,
          user_data: given.userData,
          volumes: given.volumeIds?.filter((one) => one !== ""),
          tags: given.tags ?? [],
          vpc_uuid: given.vpcUuid,
          with_droplet_agent: given.dropletAgent,
          gpu_partition_mode: given.gpuPartitionMode,
        }),
      );
      const id = String(made.id);
      try {
        // No signal here: what has been begun is waited for, or the cloud has a droplet that nobody knows.
        const ready = await waitUntilMade(id, timeoutSeconds ?? CREATE_SECONDS);
        if (ready.status !== "active") throw new Error(`unexpected state '${ready.status}'`);
        return { id, outputs: outputsOf(ready, given) };
      } catch (error) {
        const text = `Error waiting for droplet (${id}) to become ready: ${(error as Error).message}`;
        const found = await get(id).catch(() => undefined);
        throw new UnfinishedObject(id, outputsOf(found ?? made, given), text);
      }
    },

    async read(id, old) {
      const found = await get(id);
      return found && outputsOf(found, old.inputs, old.outputs);
    },

    async update(id, given, old, operation) {
      const { signal, timeoutSeconds } = operation;
      const seconds = timeoutSeconds ?? UPDATE_SECONDS;
      if (!(await get(id))) throw new Error(`droplet (${id}) not found during update`);
      // A create that was given up while waiting may still be under way.
      await saying(
        `droplet (${id}) was never finished; \`pulumi up --replace '${operation.urn}'\` makes it anew`,
        waitUntilMade(id, seconds, signal),
      );
      if (given.size !== old.inputs.size) await resize(id, given, seconds, operation);
      if (given.name !== old.inputs.name) {
        await saying(`Error renaming droplet (${id})`, act(id, "rename", { name: given.name }));
        await waitUntil(id, "be renamed", ({ name }) => name === given.name, seconds, signal);
      }
      await changeBackups(id, given, old.inputs, operation);
      if (given.privateNetworking === true && old.inputs.privateNetworking === false) {
        await act(id, "enable_private_networking");
      }
      if (given.ipv6 === true && old.inputs.ipv6 !== true) {
        await saying(`Error turning on ipv6 for droplet (${id})`, act(id, "enable_ipv6"));
        const on = ({ features }: ApiDroplet) => features?.includes("ipv6") ?? false;
        await waitUntil(id, "have ipv6", on, seconds, signal);
        operation.report("warning", "Enabling IPv6 requires additional OS-level configuration");
      }
      await saying(
        "Error updating tags",
        changeTags(api, { id, type: "droplet" }, old.inputs.tags, given.tags),
      );
      // Left out means: whatever is attached stays.
      if (given.volumeIds) {
        const before = old.inputs.volumeIds ?? (old.outputs.volumeIds as string[]) ?? [];
        for (const volume of given.volumeIds.filter((one) => !before.includes(one))) {
          const { action } = await saying(
            `Error attaching volume "${volume}" to droplet (${id})`,
            api.post<{ action: Action }>(`/v2/volumes/${volume}/actions`, {
              type: "attach",
              droplet_id: Number(id),
            }),
          );
          await waitForAction(api, action, operation);
        }
        const { volumeIds } = given;
        await detach(
          id,
          before.filter((one) => !volumeIds.includes(one)),
          operation,
        );
      }
      const found = await get(id);
      if (!found) throw new Error(`droplet (${id}) not found during update`);
      return outputsOf(found, given, old.outputs);
    },

    async delete(id, old, operation) {
      const { signal, timeoutSeconds } = operation;
      const seconds = timeoutSeconds ?? DELETE_SECONDS;
      const there = await saying(
        `Error waiting for droplet to be unlocked for destroy (${id})`,
        waitFor(
          `droplet (${id}) to be unlocked`,
          seconds,
          async () => {
            const found = await get(id);
            if (!found) return { found };
            return found.locked ? undefined : { found };
          },
          signal,
        ),
      );
      if (!there.found) return;
      // One that is off, or was never finished, has nothing to stop gracefully.
      if (old.outputs.gracefulShutdown === true && there.found.status === "active") {
        await saying(`Error shutting down the the droplet (${id})`, act(id, "shutdown"));
        await saying(
          `Error waiting for droplet (${id}) to become off`,
          waitUntil(id, "become off", ({ status }) => status === "off", seconds, signal),
        );
      }
      await saying(
        `Error detaching the volumes from the droplet (${id})`,
        detach(id, (old.outputs.volumeIds as string[] | undefined) ?? [], operation),
      );
      try {
        await api.delete(`/v2/droplets/${id}`);
      } catch (error) {
        if (error instanceof ApiRefusal && error.status === 404) return;
        throw new Error(`Error deleting droplet: ${(error as Error).message}`);
      }
      await saying(
        "Error deleting droplet",
        waitFor(
          `droplet (${id}) to be destroyed`,
          VANISH_SECONDS,
          async () => ((await get(id)) ? undefined : true),
          signal,
        ),
      );
    },
  };
};

/** What the API does not tell stays as the program gave it; user data only as its SHA-1. */
function outputsOf(found: ApiDroplet, given: Partial<Inputs>, old?: Properties): Properties {
  const features = found.features ?? [];
  const publicAddress = address(found, "v4", "public");
  const userData = given.userData && createHash("sha1").update(given.userData).digest("hex");
  return {
    backupPolicy: given.backupPolicy,
    dropletAgent: given.dropletAgent,
    gpuPartitionMode: given.gpuPartitionMode,
    gracefulShutdown: given.gracefulShutdown ?? false,
    image: given.image,
    resizeDisk: given.resizeDisk ?? true,
    sshKeys: given.sshKeys,
    userData: userData ?? old?.userData,
    name: found.name,
    dropletUrn: `do:droplet:${found.id}`,
    region: found.region.slug,
    size: found.size.slug,
    priceHourly: found.size.price_hourly,
    priceMonthly: found.size.price_monthly,
    disk: found.disk,
    vcpus: found.vcpus,
    memory: found.memory,
    status: found.status,
    locked: found.locked,
    createdAt: found.created_at,
    vpcUuid: found.vpc_uuid,
    ipv4Address: publicAddress,
    ipv4AddressPrivate: address(found, "v4", "private"),
    ipv6Address: address(found, "v6", "public").toLowerCase(),
    publicNetworking: publicAddress !== "",
    backups: features.includes("backups"),
    ipv6: features.includes("ipv6"),
    privateNetworking: features.includes("private_networking"),
    monitoring: features.includes("monitoring"),
    volumeIds: found.volume_ids ?? [],
    tags: found.tags ?? [],
  };
}

function address(found: ApiDroplet, version: "v4" | "v6", type: "public" | "private"): string {
  return found.networks[version]?.find((one) => one.type === type)?.ip_address ?? "";
}

function numberOr(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

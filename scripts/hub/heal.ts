/**
 * Makes the state whole after a run that was killed: its lock is taken off when its process is gone, and what it was
 * making is found by name. A half-made resource that holds no data is removed, so that it is made again; the volume,
 * which holds all data, is taken into the state as it is, and so are the bucket of the backups and the address, which is
 * found by its droplet. What was done on a host that is gone or off is forgotten.
 */
import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { type DigitalOcean, digitalOcean } from "./digitalocean.ts";
import { settleAddress } from "./settle-address.ts";
import type { OpenStack } from "./stack.ts";

interface ResourceState {
  urn: string;
  type: string;
  id?: string;
  inputs: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  pendingReplacement?: boolean;
  [key: string]: unknown;
}

interface Deployment {
  resources?: ResourceState[];
  pending_operations?: { type: string; resource: ResourceState }[];
}

interface Orphan {
  path: string;
  /** What identifies it in a list of its kind. */
  key: string;
  match(item: Record<string, unknown>, inputs: Record<string, unknown>): boolean;
  id(item: Record<string, unknown>): string;
}

const byName = (path: string, key: string, id = "id"): Orphan => ({
  path,
  key,
  match: (item, inputs) => item.name === inputs.name,
  id: (item) => String(item[id]),
});

/** Kinds that hold no data: removed and made again. */
const disposable: Record<string, Orphan> = {
  "digitalocean:index/droplet:Droplet": byName("/v2/droplets", "droplets"),
  "digitalocean:index/sshKey:SshKey": byName("/v2/account/keys", "ssh_keys"),
  "digitalocean:index/firewall:Firewall": byName("/v2/firewalls", "firewalls"),
  "digitalocean:index/vpc:Vpc": byName("/v2/vpcs", "vpcs"),
  "digitalocean:index/project:Project": byName("/v2/projects", "projects"),
  "digitalocean:index/spacesKey:SpacesKey": byName("/v2/spaces/keys", "keys", "access_key"),
  "digitalocean:index/uptimeCheck:UptimeCheck": byName("/v2/uptime/checks", "checks"),
  "digitalocean:index/monitorAlert:MonitorAlert": {
    ...byName("/v2/monitoring/alerts", "policies", "uuid"),
    match: (item, inputs) => item.description === inputs.description,
  },
};

const RESERVED_IP = "digitalocean:index/reservedIp:ReservedIp";

interface Adoptable extends Orphan {
  /** Beside the inputs. */
  outputs(id: string): Record<string, unknown>;
}

/** Kinds that are taken over as they are: they hold data, or settle better by what the engine does with them later. */
const adoptable: Record<string, Adoptable> = {
  "digitalocean:index/volume:Volume": {
    ...byName("/v2/volumes", "volumes"),
    outputs: (id) => ({ id }),
  },
  // It has no name. A droplet takes one address, so a second could never be put to it; without a droplet it is anybody's.
  [RESERVED_IP]: {
    path: "/v2/reserved_ips",
    key: "reserved_ips",
    match: ({ droplet }, { dropletId }) =>
      dropletId !== undefined &&
      String((droplet as { id?: unknown } | null)?.id) === String(dropletId),
    id: ({ ip }) => String(ip),
    outputs: (id) => ({ id, ipAddress: id }),
  },
};

/** Whether one is there is not asked here, where its key is not at hand: the refresh that follows drops it when not. */
const BUCKET = "digitalocean:index/spacesBucket:SpacesBucket";

/** @returns whether the run that follows must look at what is really there before it compares */
export async function heal(open: OpenStack): Promise<boolean> {
  await unlock(open);
  const exported = await open.stack.exportStack();
  const deployment = exported.deployment as Deployment | undefined;
  if (!deployment?.resources) return false;
  const api = digitalOcean();
  const pending = deployment.pending_operations ?? [];
  const host = await hostState(api, deployment);
  const address = deployment.resources.find(({ type, id }) => type === RESERVED_IP && id);
  const moved = address && (await settleAddress(api, address));
  if (pending.length === 0 && host === "runs" && !moved) return false;
  await open.progress.step("Making the state whole", async (log) => {
    if (moved) log(moved);
    for (const { type, resource } of pending) {
      if (type === "creating") log(await settle(api, deployment, resource));
    }
    deployment.pending_operations = [];
    if (host !== "runs") {
      log(`the host ${host}: what was done on it is forgotten`);
      forgetCommands(deployment);
    }
    await open.stack.importStack(exported);
  });
  return host === "is gone" || pending.some(({ resource }) => resource.type === BUCKET);
}

/** Whether commands can still be sent to the host that the state knows. */
async function hostState(
  api: DigitalOcean,
  { resources = [] }: Deployment,
): Promise<"runs" | "is off" | "is gone" | "is being replaced"> {
  const host = resources.find((resource) => resource.type === "digitalocean:index/droplet:Droplet");
  if (!host?.id) return "runs";
  // Its replacement failed after it was deleted.
  if (host.pendingReplacement) return "is being replaced";
  const droplet = await api.get<{ status: string }>(`/v2/droplets/${host.id}`, "droplet");
  if (!droplet) return "is gone";
  return droplet.status === "off" ? "is off" : "runs";
}

/** The stop hook would dial a host that cannot answer, and keep it from being replaced. */
function forgetCommands(deployment: Deployment): void {
  deployment.resources = deployment.resources?.filter(
    (resource) => !resource.type.startsWith("command:remote:"),
  );
}

async function settle(
  api: DigitalOcean,
  deployment: Deployment,
  resource: ResourceState,
): Promise<string> {
  const name = resource.urn.split("::").at(-1);
  const kept = adoptable[resource.type];
  if (kept) {
    const items = await api.list<Record<string, unknown>>(kept.path, kept.key);
    const found = items.find((item) => kept.match(item, resource.inputs));
    const id = found && kept.id(found);
    const known = deployment.resources?.some((each) => each.urn === resource.urn && each.id === id);
    if (id === undefined || known) return `${name}: was not made`;
    deployment.resources = [
      ...(deployment.resources ?? []),
      { ...resource, id, outputs: { ...resource.inputs, ...kept.outputs(id) } },
    ];
    return `${name}: ${id} taken into the state`;
  }
  if (resource.type === BUCKET) {
    const { name: bucket } = resource.inputs;
    if (typeof bucket !== "string") return `${name}: was not made`;
    if (!deployment.resources?.some((each) => each.urn === resource.urn)) {
      deployment.resources = [
        ...(deployment.resources ?? []),
        { ...resource, id: bucket, outputs: { ...resource.inputs, id: bucket } },
      ];
    }
    return `${name}: bucket ${bucket} taken into the state, if it is there`;
  }
  const kind = disposable[resource.type];
  if (!kind) return `${name}: made again`;
  const known = new Set((deployment.resources ?? []).map((each) => each.id));
  const items = await api.list<Record<string, unknown>>(kind.path, kind.key);
  for (const item of items) {
    const id = kind.id(item);
    if (kind.match(item, resource.inputs) && !known.has(id)) await api.remove(`${kind.path}/${id}`);
  }
  return `${name}: half made, removed to be made again`;
}

/** Takes off a lock of the file backend whose process is gone; another's lock is left and explained. */
async function unlock(open: OpenStack): Promise<void> {
  const home = process.env.PULUMI_BACKEND_URL?.match(/^file:\/\/(.+)/)?.[1];
  if (!home) return;
  const folder = join(home, ".pulumi/locks/organization/aihub", open.stack.name);
  const locks = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith(".json"));
  for (const file of locks) {
    const lock = JSON.parse(await readFile(join(folder, file), "utf8")) as {
      pid: number;
      hostname: string;
    };
    if (lock.hostname !== hostname() || (await alive(lock.pid))) {
      throw new UserError(
        `Another run (process ${lock.pid} on ${lock.hostname}) is working on stack ${open.stack.name}.\n` +
          "  Wait for it to end. If it is surely gone: npm run hub -- pulumi cancel --yes",
      );
    }
  }
  if (locks.length > 0) {
    open.progress.note("taking off the lock of a run that was killed");
    await open.stack.cancel();
  }
}

/** Whether an engine runs under this process id: not one that ended unnoticed, nor another program with its number. */
async function alive(pid: number): Promise<boolean> {
  try {
    const [, name, state] =
      /^\d+ \((.*)\) (\S)/.exec(await readFile(`/proc/${pid}/stat`, "utf8")) ?? [];
    return name === "pulumi" && state !== "Z";
  } catch {
    if (process.platform === "linux") return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

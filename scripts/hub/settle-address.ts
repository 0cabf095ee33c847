/** The address that a killed run was putting to a droplet: asked for once more, the cloud refuses it (422). */
import { setTimeout as sleep } from "node:timers/promises";
import type { DigitalOcean } from "./digitalocean.ts";

interface KnownAddress {
  id?: string;
  inputs: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

const PATIENCE_MS = 60_000;

/**
 * Puts into the state the droplet that the address is at, when what is under way has ended. At none is no news: it is put there.
 * @returns what it found; undefined when the state knew
 */
export async function settleAddress(
  api: Pick<DigitalOcean, "get" | "list">,
  address: KnownAddress,
): Promise<string | undefined> {
  const path = `/v2/reserved_ips/${address.id}`;
  const end = Date.now() + PATIENCE_MS;
  const look = () => api.get<{ droplet?: { id: number } | null }>(path, "reserved_ip");
  // Gone: the engine's own look at it says so.
  if (!(await look())) return undefined;
  const isBusy = async () =>
    (await api.list<{ status: string }>(`${path}/actions`, "actions")).some(
      ({ status }) => status === "in-progress",
    );
  while ((await isBusy()) && Date.now() < end) await sleep(1000);
  const dropletId = (await look())?.droplet?.id;
  if (dropletId === undefined || dropletId === address.outputs?.dropletId) return undefined;
  address.inputs = { ...address.inputs, dropletId };
  address.outputs = { ...address.outputs, dropletId };
  return `${address.id} is at droplet ${dropletId}`;
}

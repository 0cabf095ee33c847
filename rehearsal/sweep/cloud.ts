/** What the simulated account holds, asked by its API. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { currentInstance } from "../instance.ts";
import { instanceName } from "../scenarios/hub.ts";

/** @throws Error when there is not exactly one volume and one address */
export async function cloud(): Promise<{ droplets: number; volume: string; address: string }> {
  const instance = currentInstance(instanceName);
  const daemon = await readFile(join(instance.cloudDir, "daemon.json"), "utf8");
  const { apiUrl } = JSON.parse(daemon) as { apiUrl: string };
  const token = (await readFile(join(instance.stateDir, "token"), "utf8")).trim();
  const list = async <T>(what: string): Promise<T[]> => {
    const answer = await fetch(`${apiUrl}/v2/${what}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    return ((await answer.json()) as Record<string, T[]>)[what] ?? [];
  };
  const droplets = await list("droplets");
  const volumes = await list<{ id: string }>("volumes");
  const addresses = await list<{ ip: string }>("reserved_ips");
  const [volume, address] = [volumes[0]?.id, addresses[0]?.ip];
  if (volumes.length !== 1 || addresses.length !== 1 || !volume || !address) {
    throw new Error(`${volumes.length} volumes and ${addresses.length} addresses are there`);
  }
  return { droplets: droplets.length, volume, address };
}

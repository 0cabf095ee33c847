/** What the simulated account holds, asked by its API. */
import { cloudApi } from "../scenarios/cloud-api.ts";

/** @throws Error when there is not exactly one volume and one address */
export async function cloud(): Promise<{ droplets: number; volume: string; address: string }> {
  const list = async <T>(what: string): Promise<T[]> =>
    (await cloudApi<Record<string, T[]>>("GET", `/v2/${what}`))[what] ?? [];
  const droplets = await list("droplets");
  const volumes = await list<{ id: string }>("volumes");
  const addresses = await list<{ ip: string }>("reserved_ips");
  const [volume, address] = [volumes[0]?.id, addresses[0]?.ip];
  if (volumes.length !== 1 || addresses.length !== 1 || !volume || !address) {
    throw new Error(`${volumes.length} volumes and ${addresses.length} addresses are there`);
  }
  return { droplets: droplets.length, volume, address };
}

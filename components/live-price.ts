import * as digitalocean from "@pulumi/digitalocean";

/** USD per month of a droplet size by the live sizes list; undefined where it does not answer. */
export async function livePrice(size: string): Promise<number | undefined> {
  try {
    const { sizes } = await digitalocean.getSizes({ filters: [{ key: "slug", values: [size] }] });
    return sizes[0]?.priceMonthly;
  } catch {
    return undefined;
  }
}

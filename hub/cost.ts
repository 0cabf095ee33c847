/** What a hub costs per month, item by item. */
import { PRICES_AS_OF, sizes } from "./sizes.ts";

export interface MonthlyCost {
  currency: "USD";
  /** Day the constant prices were read. */
  asOf: string;
  items: { name: string; monthly: number; source: "price table" | "live sizes list" }[];
  total: number;
}

const VOLUME_PER_GIB = 0.1;
/** USD per month for all buckets of an account together. */
const SPACES = 5;

/**
 * @param spaces whether backups go to DigitalOcean Spaces
 * @param live the droplet's price from the live sizes list, where the API answered
 */
export function monthlyCost(
  settings: { size: string; volumeSizeGib: number },
  spaces: boolean,
  live?: number,
): MonthlyCost {
  const items: MonthlyCost["items"] = [
    {
      name: `Droplet ${settings.size}`,
      monthly: live ?? sizes[settings.size]?.monthly ?? 0,
      source: live === undefined ? "price table" : "live sizes list",
    },
    {
      name: `Volume ${settings.volumeSizeGib} GiB`,
      monthly: cents(settings.volumeSizeGib * VOLUME_PER_GIB),
      source: "price table",
    },
    ...(spaces
      ? [
          {
            name: "Spaces for the backups, 250 GiB included",
            monthly: SPACES,
            source: "price table" as const,
          },
        ]
      : []),
    {
      name: "Reserved IP, firewall, DNS, VPC, monitoring, first uptime check",
      monthly: 0,
      source: "price table",
    },
  ];
  return {
    currency: "USD",
    asOf: PRICES_AS_OF,
    items,
    total: cents(items.reduce((sum, item) => sum + item.monthly, 0)),
  };
}

function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}

/** Droplet sizes the hub knows: memory for the plan, monthly price for the cost. */

/** Day the prices below were read; the live sizes list, where the API answers, takes precedence. */
export const PRICES_AS_OF = "2026-11-23";

export interface Size {
  /** MiB of memory. */
  memory: number;
  vcpus: number;
  /** USD per month. */
  monthly: number;
}

export const sizes: Readonly<Record<string, Size>> = {
  "s-1vcpu-1gb": { memory: 1024, vcpus: 1, monthly: 6 },
  "s-1vcpu-2gb": { memory: 2048, vcpus: 1, monthly: 12 },
  "s-2vcpu-2gb": { memory: 2048, vcpus: 2, monthly: 18 },
  "s-2vcpu-4gb": { memory: 4096, vcpus: 2, monthly: 24 },
  "s-4vcpu-8gb": { memory: 8192, vcpus: 4, monthly: 48 },
  "s-8vcpu-16gb": { memory: 16384, vcpus: 8, monthly: 96 },
};

export const regions = [
  "nyc1",
  "nyc2",
  "nyc3",
  "sfo2",
  "sfo3",
  "ams3",
  "sgp1",
  "lon1",
  "fra1",
  "tor1",
  "blr1",
  "syd1",
  "atl1",
] as const;

/** Base images the host preparation is made for; both are exercised by the rehearsal. */
export const hostImages = ["docker-20-04", "ubuntu-24-04-x64"] as const;

/** Sizes, regions, images and 1-Clicks: real slugs and prices of November 2026, of the kinds a hub can run on. */
import { notFound } from "./api-error.ts";
import { page } from "./page.ts";
import { type Route, route } from "./route.ts";

export interface Size {
  slug: string;
  memory: number;
  vcpus: number;
  disk: number;
  transfer: number;
  price_monthly: number;
  price_hourly: number;
  regions: string[];
  available: boolean;
  description: string;
}

export interface Region {
  name: string;
  slug: string;
  features: string[];
  available: boolean;
  sizes: string[];
}

export interface Image {
  id: number;
  name: string;
  type: "base" | "snapshot";
  distribution: string;
  slug: string;
  public: boolean;
  regions: string[];
  created_at: string;
  min_disk_size: number;
  size_gigabytes: number;
  description: string;
  tags: string[];
  status: "available";
  error_message: string;
}

const regionNames: Record<string, string> = {
  nyc1: "New York 1",
  nyc2: "New York 2",
  nyc3: "New York 3",
  sfo2: "San Francisco 2",
  sfo3: "San Francisco 3",
  ams3: "Amsterdam 3",
  sgp1: "Singapore 1",
  lon1: "London 1",
  fra1: "Frankfurt 1",
  tor1: "Toronto 1",
  blr1: "Bangalore 1",
  syd1: "Sydney 1",
  atl1: "Atlanta 1",
};
const everywhere = Object.keys(regionNames);

/** slug, memory MiB, vCPUs, disk GiB, transfer TiB, USD a month */
const sizeTable: [string, number, number, number, number, number, string][] = [
  ["s-1vcpu-512mb-10gb", 512, 1, 10, 0.5, 4, "Basic"],
  ["s-1vcpu-1gb", 1024, 1, 25, 1, 6, "Basic"],
  ["s-1vcpu-1gb-amd", 1024, 1, 25, 1, 7, "Basic AMD"],
  ["s-1vcpu-1gb-intel", 1024, 1, 25, 1, 7, "Basic Intel"],
  ["s-1vcpu-2gb", 2048, 1, 50, 2, 12, "Basic"],
  ["s-1vcpu-2gb-amd", 2048, 1, 50, 2, 14, "Basic AMD"],
  ["s-1vcpu-2gb-intel", 2048, 1, 50, 2, 14, "Basic Intel"],
  ["s-2vcpu-2gb", 2048, 2, 60, 3, 18, "Basic"],
  ["s-2vcpu-2gb-amd", 2048, 2, 60, 3, 21, "Basic AMD"],
  ["s-2vcpu-2gb-intel", 2048, 2, 60, 3, 21, "Basic Intel"],
  ["s-2vcpu-4gb", 4096, 2, 80, 4, 24, "Basic"],
  ["s-2vcpu-4gb-amd", 4096, 2, 80, 4, 28, "Basic AMD"],
  ["s-2vcpu-4gb-intel", 4096, 2, 80, 4, 28, "Basic Intel"],
  ["s-4vcpu-8gb", 8192, 4, 160, 5, 48, "Basic"],
  ["s-4vcpu-8gb-amd", 8192, 4, 160, 5, 56, "Basic AMD"],
  ["s-4vcpu-8gb-intel", 8192, 4, 160, 5, 56, "Basic Intel"],
  ["s-8vcpu-16gb", 16384, 8, 320, 6, 96, "Basic"],
  ["s-8vcpu-16gb-amd", 16384, 8, 320, 6, 112, "Basic AMD"],
  ["s-8vcpu-16gb-intel", 16384, 8, 320, 6, 112, "Basic Intel"],
  ["c-2", 4096, 2, 25, 4, 42, "CPU-Optimized"],
  ["c-4", 8192, 4, 50, 5, 84, "CPU-Optimized"],
  ["g-2vcpu-8gb", 8192, 2, 25, 4, 63, "General Purpose"],
  ["g-4vcpu-16gb", 16384, 4, 50, 5, 126, "General Purpose"],
  ["m-2vcpu-16gb", 16384, 2, 50, 4, 84, "Memory-Optimized"],
];

const HOURS_OF_A_MONTH = 672;

export const sizes: Size[] = sizeTable.map(
  ([slug, memory, vcpus, disk, transfer, price_monthly, description]) => ({
    slug,
    memory,
    vcpus,
    disk,
    transfer,
    price_monthly,
    price_hourly: Math.round((price_monthly / HOURS_OF_A_MONTH) * 100_000) / 100_000,
    regions: everywhere,
    available: true,
    description,
  }),
);

export const regions: Region[] = everywhere.map((slug) => ({
  name: regionNames[slug] as string,
  slug,
  features: ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"],
  available: true,
  sizes: sizes.map((size) => size.slug),
}));

/** Only those that a simulated droplet can boot. */
export const images: Image[] = [
  image(129211873, "docker-20-04", "Docker on Ubuntu 22.04", "Ubuntu", 25),
  image(155133621, "ubuntu-24-04-x64", "24.04 (LTS) x64", "Ubuntu", 7),
];

function image(id: number, slug: string, name: string, distribution: string, disk: number): Image {
  return {
    id,
    name,
    type: "base",
    distribution,
    slug,
    public: true,
    regions: everywhere,
    created_at: "2025-09-05T00:00:00Z",
    min_disk_size: disk,
    size_gigabytes: 2.3,
    description: name,
    tags: [],
    status: "available",
    error_message: "",
  };
}

export const regionOf = (slug: string) => regions.find((one) => one.slug === slug);
export const sizeOf = (slug: string) => sizes.find((one) => one.slug === slug);
export const imageOf = (key: string | number) =>
  images.find((one) => one.slug === key || String(one.id) === String(key));

export const catalogRoutes: Route[] = [
  route("GET", "/v2/sizes", (_cloud, call) => page(call, "sizes", sizes)),
  route("GET", "/v2/regions", (_cloud, call) => page(call, "regions", regions)),
  route("GET", "/v2/images", (_cloud, call) => {
    const type = call.query.get("type");
    const listed = images.filter((one) => {
      if (call.query.get("private") === "true") return false;
      if (type === "application") return one.slug.startsWith("docker-");
      if (type === "distribution") return !one.slug.startsWith("docker-");
      return true;
    });
    return page(call, "images", listed);
  }),
  route("GET", "/v2/images/:key", (_cloud, { params }) => {
    const found = imageOf(params.key as string);
    if (!found) throw notFound();
    return { status: 200, body: { image: found } };
  }),
  route("GET", "/v2/1-clicks", (_cloud, { query }) => ({
    status: 200,
    body: {
      "1_clicks":
        query.get("type") === "kubernetes" ? [] : [{ slug: "docker-20-04", type: "droplet" }],
    },
  })),
];

import { z } from "zod";
import type { ProviderFunction } from "../resource.ts";
import { type Api, saying } from "./api.ts";

const args = z.strictObject({
  filters: z
    .array(
      z.strictObject({
        all: z.boolean().optional(),
        key: z.string(),
        matchBy: z.enum(["exact", "re", "substring"]).optional(),
        values: z.array(z.string()).min(1),
      }),
    )
    .optional(),
  sorts: z
    .array(z.strictObject({ direction: z.enum(["asc", "desc"]).optional(), key: z.string() }))
    .optional(),
});
type Args = z.infer<typeof args>;
type Filter = NonNullable<Args["filters"]>[number];

interface ApiSize {
  slug: string;
  available: boolean;
  transfer: number;
  price_monthly: number;
  price_hourly: number;
  memory: number;
  vcpus: number;
  disk: number;
  regions: string[];
}

const KEYS = [
  "available",
  "disk",
  "memory",
  "price_hourly",
  "price_monthly",
  "regions",
  "slug",
  "transfer",
  "vcpus",
] as const;
type Key = (typeof KEYS)[number];

export const getSizes = (api: Api): ProviderFunction => ({
  token: "digitalocean:index/getSizes:getSizes",
  async call(given) {
    const { filters, sorts } = args.parse(given);
    const matching = (await allSizes(api)).filter((size) =>
      (filters ?? []).every((filter) => matches(size, filter)),
    );
    const sorted = matching.sort((one, other) => {
      for (const { key, direction } of sorts ?? []) {
        const order = compare(one[keyOf(key)], other[keyOf(key)]);
        if (order !== 0) return direction === "desc" ? -order : order;
      }
      return 0;
    });
    return {
      ...given,
      id: "sizes",
      sizes: sorted.map((size) => ({
        slug: size.slug,
        available: size.available,
        transfer: size.transfer,
        priceMonthly: size.price_monthly,
        priceHourly: size.price_hourly,
        memory: size.memory,
        vcpus: size.vcpus,
        disk: size.disk,
        regions: size.regions,
      })),
    };
  },
});

async function allSizes(api: Api): Promise<ApiSize[]> {
  const sizes: ApiSize[] = [];
  for (let page = 1; ; page++) {
    const answer = await saying(
      "Error retrieving sizes",
      api.get<{ sizes: ApiSize[]; links?: { pages?: { next?: string } } }>(
        `/v2/sizes?page=${page}&per_page=200`,
      ),
    );
    sizes.push(...answer.sizes);
    if (!answer.links?.pages?.next) return sizes;
  }
}

function matches(size: ApiSize, { key, values, matchBy, all }: Filter): boolean {
  const value = size[keyOf(key)];
  const texts = Array.isArray(value) ? value : [String(value)];
  const fits = (wanted: string) =>
    texts.some((text) => {
      if (matchBy === "re") return new RegExp(wanted).test(text);
      if (matchBy === "substring") return text.includes(wanted);
      return text === wanted;
    });
  return all ? values.every(fits) : values.some(fits);
}

function keyOf(key: string): Key {
  const known = KEYS.find((one) => one === key);
  if (known) return known;
  throw new Error(
    `"${key}" is not a key to filter or sort sizes by; the keys are ${KEYS.join(", ")}`,
  );
}

function compare(one: unknown, other: unknown): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one) < String(other) ? -1 : String(one) > String(other) ? 1 : 0;
}

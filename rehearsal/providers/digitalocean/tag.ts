import { z } from "zod";
import type { Resource } from "../resource.ts";
import { type Api, orGone, saying } from "./api.ts";

export const tagName = z
  .string()
  .regex(
    /^[a-zA-Z0-9:\-_]{1,255}$/,
    "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255 characters per tag",
  );

const inputs = z.strictObject({ name: tagName });

interface Count {
  count: number;
}
interface ApiTag {
  name: string;
  resources: Partial<
    Record<"droplets" | "images" | "volumes" | "volume_snapshots" | "databases", Count>
  > & { count?: number };
}

export const tag = (api: Api): Resource<z.infer<typeof inputs>> => {
  const read = async (name: string) => {
    const answer = await saying(
      "Error retrieving tag",
      orGone(api.get<{ tag: ApiTag }>(`/v2/tags/${encodeURIComponent(name)}`)),
    );
    if (!answer) return undefined;
    const { resources } = answer.tag;
    return {
      name: answer.tag.name,
      totalResourceCount: resources.count ?? 0,
      dropletsCount: resources.droplets?.count ?? 0,
      imagesCount: resources.images?.count ?? 0,
      volumesCount: resources.volumes?.count ?? 0,
      volumeSnapshotsCount: resources.volume_snapshots?.count ?? 0,
      databasesCount: resources.databases?.count ?? 0,
    };
  };
  return {
    type: "digitalocean:index/tag:Tag",
    inputs,
    replaceOn: ["name"],
    autoname: true,
    computed: [
      "totalResourceCount",
      "dropletsCount",
      "imagesCount",
      "volumesCount",
      "volumeSnapshotsCount",
      "databasesCount",
    ],

    async create({ name }) {
      const answer = await saying(
        "Error creating tag",
        api.post<{ tag: ApiTag }>("/v2/tags", { name }),
      );
      return { id: answer.tag.name, outputs: (await read(answer.tag.name)) ?? { name } };
    },
    read: (id) => read(id),
    async delete(id) {
      await saying("Error deleting tag", api.delete(`/v2/tags/${encodeURIComponent(id)}`));
    },
  };
};

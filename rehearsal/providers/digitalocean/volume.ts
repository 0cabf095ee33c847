import { z } from "zod";
import type { Resource } from "../resource.ts";
import { type Api, orGone, saying } from "./api.ts";
import { tagName } from "./tag.ts";
import { changeTags } from "./tags.ts";
import { type Action, waitForAction } from "./wait.ts";

const filesystem = z.enum(["ext4", "xfs"]);

const inputs = z.strictObject({
  description: z.string().min(1).optional(),
  filesystemType: filesystem.optional(),
  initialFilesystemLabel: z.string().min(1).optional(),
  initialFilesystemType: filesystem.optional(),
  name: z.string().min(1),
  region: z.string(),
  /** GiB. */
  size: z.int().min(1),
  snapshotId: z.string().min(1).optional(),
  tags: z.array(tagName).optional(),
});
type Inputs = z.infer<typeof inputs>;

interface ApiVolume {
  id: string;
  name: string;
  description?: string | null;
  region: { slug: string };
  size_gigabytes: number;
  droplet_ids: number[] | null;
  filesystem_type?: string | null;
  filesystem_label?: string | null;
  tags: string[] | null;
}

export const volume = (api: Api): Resource<Inputs> => {
  const read = async (id: string, given: Partial<Inputs>) => {
    const answer = await saying(
      "Error retrieving volume",
      orGone(api.get<{ volume: ApiVolume }>(`/v2/volumes/${id}`)),
    );
    return answer && outputsOf(answer.volume, given);
  };
  return {
    type: "digitalocean:index/volume:Volume",
    inputs,
    replaceOn: [
      "region",
      "name",
      "description",
      "initialFilesystemType",
      "initialFilesystemLabel",
      "snapshotId",
    ],
    unordered: ["tags"],
    autoname: true,
    computed: ["dropletIds", "filesystemType", "filesystemLabel", "volumeUrn"],

    check(given, old) {
      const failures = [];
      if (
        typeof given.size === "number" &&
        typeof old?.size === "number" &&
        given.size < old.size
      ) {
        failures.push({
          property: "size",
          reason: "volumes `size` can only be expanded and not shrunk",
        });
      }
      if (given.filesystemType !== undefined && given.initialFilesystemType !== undefined) {
        failures.push({
          property: "filesystemType",
          reason: "Conflicting configuration arguments: conflicts with initialFilesystemType",
        });
      }
      return failures;
    },

    async create(given) {
      const { volume: made } = await saying(
        "Error creating Volume",
        api.post<{ volume: ApiVolume }>("/v2/volumes", {
          name: given.name,
          description: given.description,
          region: given.region.toLowerCase(),
          size_gigabytes: given.size,
          snapshot_id: given.snapshotId,
          filesystem_type: given.initialFilesystemType ?? given.filesystemType,
          filesystem_label: given.initialFilesystemLabel,
          tags: given.tags,
        }),
      );
      return { id: made.id, outputs: outputsOf(made, given) };
    },

    read: (id, old) => read(id, old.inputs),

    async update(id, given, old, operation) {
      if (given.size !== old.inputs.size) {
        const { action } = await saying(
          `Error resizing volume (${id})`,
          api.post<{ action: Action }>(`/v2/volumes/${id}/actions`, {
            type: "resize",
            size_gigabytes: given.size,
            region: given.region.toLowerCase(),
          }),
        );
        await saying(
          `Error waiting for resize volume (${id}) to finish`,
          waitForAction(api, action, operation),
        );
      }
      await saying(
        "Error updating tags",
        changeTags(api, { id, type: "volume" }, old.inputs.tags, given.tags),
      );
      const outputs = await read(id, given);
      if (!outputs) throw new Error(`volume (${id}) not found after its update`);
      return outputs;
    },

    async delete(id) {
      await saying("Error deleting volume", api.delete(`/v2/volumes/${id}`));
    },
  };
};

function outputsOf(found: ApiVolume, given: Partial<Inputs>) {
  return {
    name: found.name,
    region: found.region.slug,
    size: found.size_gigabytes,
    tags: found.tags ?? [],
    description: found.description || given.description,
    filesystemType: found.filesystem_type || undefined,
    filesystemLabel: found.filesystem_label || undefined,
    initialFilesystemType: given.initialFilesystemType,
    initialFilesystemLabel: given.initialFilesystemLabel,
    snapshotId: given.snapshotId,
    dropletIds: found.droplet_ids ?? [],
    volumeUrn: `do:volume:${found.id}`,
  };
}

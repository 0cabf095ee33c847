import { z } from "zod";
import type { Resource } from "../resource.ts";
import { type Api, orGone, saying } from "./api.ts";

const grant = z.strictObject({ bucket: z.string(), permission: z.string() });
const inputs = z.strictObject({ grants: z.array(grant).optional(), name: z.string() });

interface ApiSpacesKey {
  name: string;
  access_key: string;
  /** In the answer to its making only. */
  secret_key?: string;
  grants: z.infer<typeof grant>[] | null;
  created_at: string;
}

export const spacesKey = (api: Api): Resource<z.infer<typeof inputs>> => ({
  type: "digitalocean:index/spacesKey:SpacesKey",
  inputs,
  autoname: true,
  computed: ["accessKey", "createdAt", "secretKey"],
  secrets: ["secretKey"],

  async create({ name, grants }) {
    const { key } = await saying(
      "Error creating Spaces key",
      api.post<{ key: ApiSpacesKey }>("/v2/spaces/keys", { name, grants: grants ?? [] }),
    );
    return { id: key.access_key, outputs: outputsOf(key, key.secret_key) };
  },

  async read(id, old) {
    const answer = await saying(
      "Error reading Spaces key",
      orGone(api.get<{ key: ApiSpacesKey }>(`/v2/spaces/keys/${id}`)),
    );
    return answer && outputsOf(answer.key, old.outputs.secretKey);
  },

  async update(id, { name, grants }, old) {
    const { key } = await saying(
      "Error updating Spaces key",
      api.put<{ key: ApiSpacesKey }>(`/v2/spaces/keys/${id}`, { name, grants: grants ?? [] }),
    );
    return outputsOf(key, old.outputs.secretKey);
  },

  async delete(id) {
    await saying("Error deleting Spaces key", api.delete(`/v2/spaces/keys/${id}`));
  },
});

function outputsOf(key: ApiSpacesKey, secretKey: unknown) {
  return {
    name: key.name,
    grants: key.grants ?? [],
    accessKey: key.access_key,
    secretKey,
    createdAt: key.created_at,
  };
}

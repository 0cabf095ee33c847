import { z } from "zod";
import type { Resource } from "../resource.ts";
import { type Api, orGone, saying } from "./api.ts";

const inputs = z.strictObject({ name: z.string().min(1), publicKey: z.string().min(1) });

interface ApiKey {
  id: number;
  name: string;
  fingerprint: string;
  public_key: string;
}

export const sshKey = (api: Api): Resource<z.infer<typeof inputs>> => ({
  type: "digitalocean:index/sshKey:SshKey",
  inputs,
  replaceOn: ["publicKey"],
  autoname: true,
  computed: ["fingerprint"],

  async create({ name, publicKey }) {
    const { ssh_key } = await saying(
      "Error creating SSH Key",
      api.post<{ ssh_key: ApiKey }>("/v2/account/keys", { name, public_key: publicKey }),
    );
    return { id: String(ssh_key.id), outputs: outputsOf(ssh_key) };
  },

  async read(id, old) {
    const answer = await saying(
      "Error retrieving SSH key",
      orGone(api.get<{ ssh_key: ApiKey }>(`/v2/account/keys/${id}`)),
    );
    if (!answer) return undefined;
    const outputs = outputsOf(answer.ssh_key);
    // The API cuts spaces and newlines at the ends; that is no difference.
    const { publicKey } = old.inputs;
    return publicKey?.trim() === outputs.publicKey.trim() ? { ...outputs, publicKey } : outputs;
  },

  async update(id, { name, publicKey }) {
    const { ssh_key } = await saying(
      "Failed to update SSH key",
      api.put<{ ssh_key: ApiKey }>(`/v2/account/keys/${id}`, { name }),
    );
    return { ...outputsOf(ssh_key), publicKey };
  },

  async delete(id) {
    await saying("Error deleting SSH key", api.delete(`/v2/account/keys/${id}`));
  },
});

function outputsOf(key: ApiKey) {
  return { name: key.name, publicKey: key.public_key, fingerprint: key.fingerprint };
}

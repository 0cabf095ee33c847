import { z } from "zod";
import type { Resource } from "../resource.ts";
import { type Api, ApiRefusal, orGone, saying } from "./api.ts";
import { waitFor } from "./wait.ts";

const inputs = z.strictObject({
  description: z.string().max(255).optional(),
  ipRange: z.cidrv4().optional(),
  name: z.string().min(1),
  region: z.string().min(1),
});

interface ApiVpc {
  id: string;
  urn: string;
  name: string;
  description?: string;
  region: string;
  ip_range: string;
  default: boolean;
  created_at: string;
}

const DELETE_SECONDS = 120;

export const vpc = (api: Api): Resource<z.infer<typeof inputs>> => ({
  type: "digitalocean:index/vpc:Vpc",
  inputs,
  replaceOn: ["region", "ipRange"],
  autoname: true,
  computed: ["ipRange", "vpcUrn", "default", "createdAt"],

  async create({ name, region, description, ipRange }) {
    const answer = await saying(
      "Error creating VPC",
      api.post<{ vpc: ApiVpc }>("/v2/vpcs", { name, region, description, ip_range: ipRange }),
    );
    return { id: answer.vpc.id, outputs: outputsOf(answer.vpc) };
  },

  async read(id) {
    const answer = await saying(
      "Error reading VPC",
      orGone(api.get<{ vpc: ApiVpc }>(`/v2/vpcs/${id}`)),
    );
    return answer && outputsOf(answer.vpc);
  },

  async update(id, { name, description }, old) {
    const answer = await saying(
      "Error updating VPC ",
      api.put<{ vpc: ApiVpc }>(`/v2/vpcs/${id}`, {
        name,
        description: description ?? "",
        default: old.outputs.default === true,
      }),
    );
    return outputsOf(answer.vpc);
  },

  /** A network with members cannot go; those that are just leaving are waited for. */
  async delete(id, _old, { signal, timeoutSeconds }) {
    let refusal: Error = new Error("not tried");
    await waitFor(
      `VPC ${id} to be empty`,
      timeoutSeconds ?? DELETE_SECONDS,
      async () => {
        try {
          await saying("Error deleting VPC", api.delete(`/v2/vpcs/${id}`));
          return true;
        } catch (error) {
          refusal = error as Error;
          if (error instanceof ApiRefusal && [403, 409].includes(error.status)) return undefined;
          throw error;
        }
      },
      signal,
    ).catch((error: Error) => {
      throw error.message.startsWith("timeout") ? refusal : error;
    });
  },
});

function outputsOf(found: ApiVpc) {
  return {
    name: found.name,
    region: found.region,
    description: found.description || undefined,
    ipRange: found.ip_range,
    vpcUrn: found.urn,
    default: found.default,
    createdAt: found.created_at,
  };
}

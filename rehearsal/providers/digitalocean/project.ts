import { z } from "zod";
import type { Resource } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, ApiRefusal, orGone, saying } from "./api.ts";
import { contentsOf, moveTo, moveToDefault } from "./project-contents.ts";
import { waitFor } from "./wait.ts";

const inputs = z.strictObject({
  description: z.string().max(255).optional(),
  environment: z
    .string()
    .regex(/^(development|staging|production)$/i, "expected development, staging or production")
    .optional(),
  isDefault: z.boolean().optional(),
  name: z.string().min(1).max(175),
  purpose: z.string().max(255).optional(),
  resources: z.array(z.string()).optional(),
});
type Inputs = z.infer<typeof inputs>;

interface ApiProject {
  id: string;
  owner_uuid: string;
  owner_id: number;
  name: string;
  purpose: string;
  description: string;
  environment: string;
  is_default: boolean;
  created_at: string;
  updated_at: string;
}

const DELETE_SECONDS = 3 * 60;

export const project = (api: Api): Resource<Inputs> => {
  const read = async (id: string, given: Partial<Inputs>): Promise<Properties | undefined> => {
    const answer = await saying(
      "Error reading Project",
      orGone(api.get<{ project: ApiProject }>(`/v2/projects/${id}`)),
    );
    if (!answer) return undefined;
    const found = answer.project;
    const same = given.environment?.toLowerCase() === found.environment.toLowerCase();
    return {
      name: found.name,
      purpose: found.purpose.replace(/^Other: /, ""),
      description: found.description,
      environment: same ? given.environment : found.environment || undefined,
      isDefault: found.is_default,
      ownerUuid: found.owner_uuid,
      ownerId: found.owner_id,
      createdAt: found.created_at,
      updatedAt: found.updated_at,
      resources: await contentsOf(api, id),
    };
  };
  const request = (given: Inputs) => ({
    name: given.name,
    description: given.description ?? "",
    purpose: given.purpose ?? "Web Application",
    environment: given.environment,
    is_default: given.isDefault ?? false,
  });
  return {
    type: "digitalocean:index/project:Project",
    inputs,
    unordered: ["resources"],
    autoname: true,
    defaults: { description: "", isDefault: false, purpose: "Web Application" },
    computed: ["createdAt", "ownerId", "ownerUuid", "resources", "updatedAt"],
    changing: ["updatedAt"],

    async create(given) {
      const { is_default, ...body } = request(given);
      const { project: made } = await saying(
        "Error creating Project",
        api.post<{ project: ApiProject }>("/v2/projects", body),
      );
      try {
        await moveTo(api, made.id, given.resources ?? []);
      } catch (error) {
        await api.delete(`/v2/projects/${made.id}`).catch(() => {});
        throw new Error(`Error creating Project: ${(error as Error).message}`);
      }
      if (is_default) await api.put(`/v2/projects/${made.id}`, request(given));
      return { id: made.id, outputs: (await read(made.id, given)) ?? { ...given } };
    },

    read: (id, old) => read(id, old.inputs),

    async update(id, given, old) {
      await saying("Error updating Project", api.put(`/v2/projects/${id}`, request(given)));
      if (given.resources) {
        const next = given.resources;
        const before = (old.outputs.resources as string[] | undefined) ?? [];
        await moveToDefault(
          api,
          before.filter((urn) => !next.includes(urn)),
        );
        await moveTo(
          api,
          id,
          next.filter((urn) => !before.includes(urn)),
        );
      }
      return (await read(id, given)) ?? { ...old.outputs, ...given };
    },

    async delete(id, old, { signal, timeoutSeconds }) {
      await moveToDefault(api, (old.outputs.resources as string[] | undefined) ?? []);
      let refusal = new Error("not tried");
      await waitFor(
        `project ${id} to be empty`,
        timeoutSeconds ?? DELETE_SECONDS,
        async () => {
          try {
            await saying(`Error deleting Project (${id})`, api.delete(`/v2/projects/${id}`));
            return true;
          } catch (error) {
            refusal = error as Error;
            if (error instanceof ApiRefusal && error.status === 412) return undefined;
            throw error;
          }
        },
        signal,
      ).catch((error: Error) => {
        throw error.message.startsWith("timeout") ? refusal : error;
      });
    },
  };
};

import { z } from "zod";
import type { Resource } from "../resource.ts";
import { type Api, orGone, saying } from "./api.ts";
import { contentsOf, moveTo, moveToDefault } from "./project-contents.ts";

const inputs = z.strictObject({
  project: z.string().min(1),
  resources: z.array(z.string()),
});
type Inputs = z.infer<typeof inputs>;

export const projectResources = (api: Api): Resource<Inputs> => {
  const exists = async (project: string) =>
    (await saying(
      `Error while retrieving project ${project}`,
      orGone(api.get(`/v2/projects/${project}`)),
    )) !== undefined;

  const read = async (project: string, wanted: readonly string[]) => {
    if (!(await exists(project))) return undefined;
    const there = await contentsOf(api, project);
    return { project, resources: wanted.filter((urn) => there.includes(urn)) };
  };

  return {
    type: "digitalocean:index/projectResources:ProjectResources",
    inputs,
    replaceOn: ["project"],
    unordered: ["resources"],
    computed: [],

    async create({ project, resources }) {
      if (!(await exists(project))) throw new Error(`project ${project} does not exist`);
      await saying(
        `Error assigning resources to project ${project}`,
        moveTo(api, project, resources),
      );
      return { id: project, outputs: (await read(project, resources)) ?? { project, resources } };
    },

    read: (id, old) => read(id, old.inputs.resources ?? []),

    async update(id, { project, resources }, old) {
      const before = (old.outputs.resources as string[] | undefined) ?? [];
      await moveToDefault(
        api,
        before.filter((urn) => !resources.includes(urn)),
      );
      await saying(
        `Error assigning resources to project ${project}`,
        moveTo(
          api,
          id,
          resources.filter((urn) => !before.includes(urn)),
        ),
      );
      return (await read(id, resources)) ?? { project, resources };
    },

    async delete(id, old) {
      if (!(await exists(id))) return;
      await moveToDefault(api, (old.outputs.resources as string[] | undefined) ?? []);
    },
  };
};

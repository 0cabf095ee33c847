import { z } from "zod";
import { changeProject, PROJECT_FILE } from "../projects/project-file.ts";
import { joinPath } from "../workspace/paths.ts";
import { placeOf, projectArgument, reasonArgument } from "./place.ts";
import { tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

export const updateProject = tool({
  name: "update_project",
  title: "Update a project",
  description: "Changes fields of a project's project.json; the others stay.",
  scope: "write",
  input: z.strictObject({
    project: projectArgument,
    description: z.string().max(2000).optional(),
    ai_managed: z.boolean().optional(),
    tags: z.array(z.string().max(50)).max(50).optional(),
    reason: reasonArgument,
  }),
  output: z.object({ project: z.string(), change: z.string().optional() }),
  annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  async run(context, { project, reason, ...fields }) {
    const place = placeOf(context, project, ".");
    if (place === ".")
      throw new ToolError('"." is the workspace, which has no project.json. Name a project.');
    const given = Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined),
    );
    if (Object.keys(given).length === 0)
      throw new ToolError("Nothing to change: give description, ai_managed or tags.");
    const author = { tool: "update_project", caller: context.caller, reason };
    const lock = [joinPath(place, PROJECT_FILE)];
    const { result, id } = await context.workspace.change(author, lock, (change) =>
      changeProject(change, place, (present) => ({
        ...present,
        ...given,
        updated: new Date().toISOString(),
      })),
    );
    return {
      structured: { project, ...(id === undefined ? {} : { change: id }) },
      content: [{ type: "text", text: JSON.stringify(result, undefined, 2) }],
    };
  },
});

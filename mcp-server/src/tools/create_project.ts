import { z } from "zod";
import { changeProject } from "../projects/project-file.ts";
import { resolvePath } from "../workspace/paths.ts";
import { reasonArgument } from "./place.ts";
import { tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

export const createProject = tool({
  name: "create_project",
  title: "Create a project",
  description: "Makes a folder for a new project, with its project.json.",
  scope: "write",
  input: z.strictObject({
    project: z.string().describe("Its name: letters, digits, '-', '_', '.'."),
    description: z.string().max(2000).default(""),
    ai_managed: z.boolean().default(true),
    reason: reasonArgument,
  }),
  output: z.object({ project: z.string(), change: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  async run({ workspace, caller }, { project, description, ai_managed, reason }) {
    if (!/^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,99}$/u.test(project)) {
      throw new ToolError(
        `"${project}" is no name for a project. Use up to 100 letters, digits, "-", "_" and ".", beginning with a letter or digit.`,
      );
    }
    const place = resolvePath(project, ".");
    const author = { tool: "create_project", caller, reason };
    const { id } = await workspace.change(author, "all", (change) => {
      if (change.kind(place) !== "absent") {
        throw new ToolError(
          `Project "${project}" exists already. Use it, or choose another name; update_project changes its description.`,
        );
      }
      change.makeDirectory(place);
      changeProject(change, place, (fresh) => ({ ...fresh, description, ai_managed }));
    });
    return {
      structured: { project, change: String(id) },
      content: [{ type: "text", text: `created project ${project}` }],
    };
  },
});

import { z } from "zod";
import { readProject } from "../projects/project-file.ts";
import { reachableProjects } from "../protocol/reachable-projects.ts";
import { tool } from "./tool.ts";

const MOST = 500;

export const listProjects = tool({
  name: "list_projects",
  title: "List projects",
  description: "All projects: the folders of the workspace, with what their project.json says.",
  scope: "read",
  input: z.strictObject({}),
  output: z.object({ projects: z.array(z.string()), total: z.int() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run({ workspace, caller }) {
    const names = reachableProjects(workspace, caller);
    const shown = names.slice(0, MOST);
    const lines = shown.map((name) => {
      const project = readProject(workspace, name);
      const marks = project?.ai_managed ? " [ai_managed]" : "";
      return `${name}${marks}${project?.description ? `: ${project.description}` : ""}`;
    });
    if (names.length > MOST) lines.push(`[and ${names.length - MOST} more]`);
    return {
      content: [
        { type: "text", text: lines.join("\n") || "No projects yet. create_project makes one." },
      ],
      structured: { projects: shown, total: names.length },
    };
  },
});

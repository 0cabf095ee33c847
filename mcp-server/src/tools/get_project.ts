import { z } from "zod";
import { readProject } from "../projects/project-file.ts";
import { placeOf, projectArgument } from "./place.ts";
import { tool } from "./tool.ts";

const MOST_ENTRIES = 100;
const CHANGES = 5;

export const getProject = tool({
  name: "get_project",
  title: "Look at a project",
  description: "A project's metadata, the entries of its folder and its newest changes.",
  scope: "read",
  input: z.strictObject({ project: projectArgument }),
  output: z.object({
    name: z.string(),
    description: z.string(),
    created: z.string().optional(),
    ai_managed: z.boolean(),
    entries: z.int(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run(context, { project }) {
    const { workspace } = context;
    const place = placeOf(context, project, ".");
    const metadata = readProject(workspace, place) ?? {
      name: project,
      description: "",
      ai_managed: false,
    };
    using directory = workspace.files.directory(place);
    const entries = directory
      .entries()
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    const changes = workspace.history
      .recent({ ...(place === "." ? {} : { project: place }), limit: CHANGES })
      .versions.map((one) => `${one.time} ${one.tool} ${one.path} by ${one.user ?? one.token}`);
    const rest = entries.length - MOST_ENTRIES;
    const text = [
      JSON.stringify(metadata, undefined, 2),
      `Entries: ${entries.slice(0, MOST_ENTRIES).join("  ")}${rest > 0 ? `  [and ${rest} more]` : ""}`,
      changes.length > 0 ? `Newest changes:\n${changes.join("\n")}` : "No changes recorded yet.",
    ].join("\n\n");
    return {
      content: [{ type: "text", text }],
      structured: {
        name: metadata.name,
        description: metadata.description,
        ...(metadata.created === undefined ? {} : { created: metadata.created }),
        ai_managed: metadata.ai_managed,
        entries: entries.length,
      },
    };
  },
});

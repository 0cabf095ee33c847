import { z } from "zod";
import { pathArgument, placeOf, projectArgument, reasonArgument } from "./place.ts";
import { checkMatch, ifMatchArgument } from "./precondition.ts";
import { tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

export const deleteTool = tool({
  name: "delete",
  title: "Delete",
  description:
    'Puts a file or folder into the trash; restore_version brings it back. A folder that is not empty, or a whole project (path "."), needs recursive.',
  scope: "delete",
  input: z.strictObject({
    project: projectArgument,
    path: pathArgument,
    recursive: z.boolean().default(false),
    if_match: ifMatchArgument,
    reason: reasonArgument,
  }),
  output: z.object({ change: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
  async run(context, { project, path, recursive, if_match, reason }) {
    const place = placeOf(context, project, path);
    const author = { tool: "delete", caller: context.caller, reason };
    const { id } = await context.workspace.change(author, "all", (change) => {
      checkMatch(context, change, place, if_match);
      const full = change.kind(place) === "folder" && !change.isEmpty(place);
      if (!recursive && (full || place === project)) {
        throw new ToolError(
          `"${place}" is ${full ? "a folder that is not empty" : "a whole project"}. Set recursive to delete it with all that is in it.`,
        );
      }
      change.trash(place);
    });
    return {
      structured: { change: String(id) },
      content: [
        {
          type: "text",
          text: `deleted ${place}; restore_version with change ${id} brings it back`,
        },
      ],
    };
  },
});

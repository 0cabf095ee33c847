import { z } from "zod";
import { pathArgument, placeOf, projectArgument } from "./place.ts";
import { tool } from "./tool.ts";

export const makeDirectory = tool({
  name: "make_directory",
  title: "Make a folder",
  description: "Makes a folder, and the ones above it. One that exists stays as it is.",
  scope: "write",
  input: z.strictObject({ project: projectArgument, path: pathArgument }),
  output: z.object({ created: z.boolean(), change: z.string().optional() }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  async run(context, { project, path }) {
    const place = placeOf(context, project, path);
    const author = { tool: "make_directory", caller: context.caller };
    const { result, id } = await context.workspace.change(author, "all", (change) =>
      change.makeDirectory(place),
    );
    return {
      structured: { ...result, ...(id === undefined ? {} : { change: id }) },
      content: [{ type: "text", text: `${result.created ? "made" : "there already:"} ${place}/` }],
    };
  },
});

import { z } from "zod";
import { tool } from "../tool.ts";
import { pathArgument } from "./path-argument.ts";

export const createDirectory = tool({
  name: "create_directory",
  title: "Create a directory",
  description:
    "Makes a directory and the missing ones above it. A directory that exists is left as it is.",
  input: z.strictObject({ path: pathArgument }),
  output: z.object({
    path: z.string(),
    created: z.array(z.string()).describe("Directories that were made."),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  run: async (workspace, { path }) => {
    const created: string[] = [];
    return workspace.withDirectory(
      path,
      async (directory) => ({ structured: { path: directory.path, created } }),
      {
        create: true,
        created,
      },
    );
  },
});

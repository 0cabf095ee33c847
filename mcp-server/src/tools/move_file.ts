import { lstat, rename } from "node:fs/promises";
import { z } from "zod";
import { tool } from "../tool.ts";
import { explain, failedWith, ToolError } from "../tool-error.ts";
import type { Place } from "../workspace.ts";
import { pathArgument } from "./path-argument.ts";

export const moveFile = tool({
  name: "move_file",
  title: "Move or rename",
  description:
    "Moves or renames a file or a directory with all that is in it; missing directories above the destination are made. A link is moved itself, not what it leads to.",
  input: z.strictObject({
    source: pathArgument,
    destination: pathArgument.describe("The whole new path, including the name."),
    overwrite: z.boolean().default(false).describe("Replace a file that is at the destination."),
  }),
  output: z.object({ source: z.string(), destination: z.string(), replaced: z.boolean() }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  run: async (workspace, { source, destination, overwrite }) =>
    workspace.changePlaces([source, destination], () =>
      workspace.withPlace(source, async (from) => {
        await lstat(from.entry).catch((error) => {
          throw explain(error, from.path) ?? error;
        });
        return workspace.withPlace(
          destination,
          async (to) => {
            const replaced = await exists(to.entry);
            if (replaced && from.path !== to.path) await refuse(to, overwrite);
            await rename(from.entry, to.entry).catch((error) => {
              if (failedWith(error, "EINVAL")) {
                throw new ToolError(`"${from.path}" cannot be moved into itself ("${to.path}").`);
              }
              throw explain(error, to.path) ?? error;
            });
            return {
              structured: {
                source: from.path,
                destination: to.path,
                replaced: replaced && from.path !== to.path,
              },
            };
          },
          { create: true },
        );
      }),
    ),
});

async function refuse(to: Place, overwrite: boolean): Promise<void> {
  const stats = await lstat(to.entry);
  if (stats.isDirectory()) {
    throw new ToolError(
      `"${to.path}" is a directory that exists. To move something into it, give the whole new path, such as "${to.path}/name".`,
    );
  }
  if (!overwrite) {
    throw new ToolError(
      `"${to.path}" exists already. Choose another name, or set overwrite to replace it.`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error) => {
      if (failedWith(error, "ENOENT")) return false;
      throw error;
    },
  );
}

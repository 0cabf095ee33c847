import { z } from "zod";
import { writeAtomically } from "../atomic-write.ts";
import { limits } from "../limits.ts";
import { tool } from "../tool.ts";
import { failedWith, ToolError } from "../tool-error.ts";
import type { Workspace } from "../workspace.ts";
import { pathArgument } from "./path-argument.ts";

export const writeFile = tool({
  name: "write_file",
  title: "Write a file",
  description: `Creates a file or replaces its whole content in one step, up to ${limits.write / 1024 / 1024} MiB; missing directories are made. To change a part of a file use edit_file.`,
  input: z.strictObject({
    path: pathArgument,
    content: z.string().describe("The whole new content, written exactly as given."),
    encoding: z.enum(["text", "base64"]).default("text"),
    overwrite: z.boolean().default(true).describe("false: fail when the file exists."),
  }),
  output: z.object({ path: z.string(), size: z.int(), created: z.boolean() }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
  run: (workspace, { path, content, encoding, overwrite }) => {
    const bytes = encoding === "base64" ? decodeBase64(content) : Buffer.from(content);
    if (bytes.length > limits.write) {
      throw new ToolError(
        `The content has ${bytes.length} bytes, more than the ${limits.write} of one write.`,
      );
    }
    if (/\/$/.test(path)) {
      throw new ToolError(
        `"${path}" ends with "/", which names a directory. create_directory makes one.`,
      );
    }
    return workspace.changeContent(path, () =>
      workspace.withContentPlace(
        path,
        async (place) => {
          if (!overwrite) await refuseExisting(workspace, place.path);
          const { created } = await writeAtomically(place, bytes);
          return { structured: { path: place.path, size: bytes.length, created } };
        },
        { create: true },
      ),
    );
  },
});

async function refuseExisting(workspace: Workspace, path: string): Promise<void> {
  const opened = workspace.withFile(path, async () => true);
  const exists = await opened.catch((error) => {
    if (failedWith(error, "ENOENT")) return false;
    throw error;
  });
  if (exists) {
    throw new ToolError(
      `"${path}" exists already and overwrite is false. Choose another name, or use edit_file.`,
    );
  }
}

function decodeBase64(content: string): Buffer {
  const plain = content.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain) || plain.length % 4 !== 0) {
    throw new ToolError('The content is not base64. Send text with encoding "text".');
  }
  return Buffer.from(plain, "base64");
}

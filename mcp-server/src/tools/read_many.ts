import type { ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import { limits } from "../limits.ts";
import { decodeText } from "../text.ts";
import { resolvePath } from "../workspace/paths.ts";
import { projectArgument } from "./place.ts";
import { type CallContext, tool } from "./tool.ts";
import { explain } from "./tool-error.ts";

const result = z.object({
  path: z.string(),
  etag: z.string().optional(),
  error: z.string().optional(),
});

export const readMany = tool({
  name: "read_many",
  title: "Read several files",
  description:
    "Reads several text files whole, in order, within a budget of bytes. What does not fit, or cannot be read, is named with the reason.",
  scope: "read",
  input: z.strictObject({
    project: projectArgument,
    paths: z.array(z.string()).min(1).max(100),
    budget: z.int().min(1).max(limits.readText).default(limits.readText).describe("Bytes."),
  }),
  output: z.object({ files: z.array(result), bytes: z.int() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run(context, { project, paths, budget }) {
    context.workspace.requireProject(project, context.caller);
    const files: z.infer<typeof result>[] = [];
    const content: ContentBlock[] = [];
    let bytes = 0;
    for (const path of paths) {
      const one = readOne(context, project, path, budget - bytes);
      if ("error" in one) {
        files.push({ path, error: one.error });
        content.push({ type: "text", text: `==> ${path} <==\n[${one.error}]` });
        continue;
      }
      bytes += one.size;
      files.push({ path, etag: one.etag });
      content.push({ type: "text", text: `==> ${path} <==\n${one.text}` });
    }
    return { content, structured: { files, bytes } };
  },
});

function readOne(
  context: CallContext,
  project: string,
  path: string,
  left: number,
): { text: string; etag: string; size: number } | { error: string } {
  try {
    const place = resolvePath(project, path);
    using file = context.workspace.files.file(place);
    const { size } = file.stats;
    if (size > left) {
      return {
        error: `left out: ${size} bytes, and ${left} of the budget are left; use read_code`,
      };
    }
    const { bytes, etag } = context.workspace.contentOf(file);
    return { text: decodeText(bytes, path), etag, size };
  } catch (error) {
    const explained = explain(error, path);
    if (!explained) throw error;
    return { error: explained.message };
  }
}

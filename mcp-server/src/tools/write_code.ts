import { z } from "zod";
import { limits } from "../limits.ts";
import { recordLanguage } from "../projects/project-file.ts";
import { joinPath } from "../workspace/paths.ts";
import { pathArgument, placeOf, projectArgument, reasonArgument } from "./place.ts";
import { checkMatch, ifMatchArgument } from "./precondition.ts";
import { tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

export const writeCode = tool({
  name: "write_code",
  title: "Write a file",
  description:
    "Writes a whole file, with missing folders. if_match (etag) refuses when somebody changed it since; create_only when it exists. For parts use edit_code.",
  scope: "write",
  input: z.strictObject({
    project: projectArgument,
    path: pathArgument,
    content: z.string(),
    encoding: z.enum(["text", "base64"]).default("text"),
    language: z.string().min(1).max(40).optional(),
    if_match: ifMatchArgument,
    create_only: z.boolean().default(false),
    reason: reasonArgument,
  }),
  output: z.object({
    etag: z.string(),
    size: z.int(),
    created: z.boolean(),
    change: z.string().optional().describe("Missing: it had that content already."),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
  async run(context, { project, path, content, encoding, language, ...guards }) {
    const place = placeOf(context, project, path);
    const bytes = encoding === "base64" ? decoded(content) : Buffer.from(content);
    if (bytes.length > limits.write) {
      throw new ToolError(
        `The content has ${bytes.length} bytes, more than the ${limits.write} of one file. Split it.`,
      );
    }
    if (!content.isWellFormed())
      throw new ToolError("The content holds half a Unicode character, which no file can hold.");
    const author = { tool: "write_code", caller: context.caller, reason: guards.reason };
    const lock = language === undefined ? [place] : [place, joinPath(project, "project.json")];
    const { result, id } = await context.workspace.change(author, lock, (change) => {
      checkMatch(context, change, place, guards.if_match);
      if (guards.create_only && change.kind(place) !== "absent") {
        throw new ToolError(
          `"${place}" exists already, and create_only was set. Use edit_code, or write_code with if_match.`,
        );
      }
      const written = change.write(place, bytes, { parents: true });
      if (language !== undefined) recordLanguage(change, project, path, language);
      return written;
    });
    const structured = {
      ...result,
      size: bytes.length,
      ...(id === undefined ? {} : { change: id }),
    };
    const done = id === undefined ? "unchanged" : result.created ? "created" : "written";
    return {
      structured,
      content: [{ type: "text", text: `${done} ${place}, ${bytes.length} bytes` }],
    };
  },
});

function decoded(content: string): Buffer {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content))
    throw new ToolError("The content is not base64. Use the letters A-Z a-z 0-9 + / and =.");
  return Buffer.from(content, "base64");
}

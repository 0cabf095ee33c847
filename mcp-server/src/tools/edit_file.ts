import { z } from "zod";
import { writeAtomically } from "../atomic-write.ts";
import { unifiedDiff } from "../diff.ts";
import { limits } from "../limits.ts";
import { decodeText, lineAt, lineEnding, occurrences } from "../text.ts";
import { tool } from "../tool.ts";
import { ToolError } from "../tool-error.ts";
import { pathArgument } from "./path-argument.ts";

const edit = z.strictObject({
  oldText: z
    .string()
    .min(1)
    .describe("Text as it is in the file, enough of it to occur exactly once."),
  newText: z.string().describe("What stands in its place; empty to delete it."),
  replaceAll: z.boolean().default(false).describe("Replace every occurrence."),
});

export const editFile = tool({
  name: "edit_file",
  title: "Edit a file",
  description:
    "Replaces exact pieces of a text file, all or none of them, in the order given, and answers with a diff. A piece that occurs never, or more than once without replaceAll, changes nothing. Line ends of the file (LF or CRLF) are kept: send plain newlines.",
  input: z.strictObject({
    path: pathArgument,
    edits: z.array(edit).min(1).max(100),
    dryRun: z.boolean().default(false).describe("Show the diff, change nothing."),
  }),
  output: z.object({
    path: z.string(),
    replacements: z.int(),
    written: z.boolean(),
    size: z.int(),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  run: (workspace, { path, edits, dryRun }) =>
    workspace.changeContent(path, async () => {
      const before = await workspace.withFile(path, async (file, stats) => {
        if (stats.size > limits.write) {
          throw new ToolError(
            `"${path}" has ${stats.size} bytes; files up to ${limits.write} bytes can be edited.`,
          );
        }
        return decodeText(await file.readFile(), path);
      });
      let after = before;
      let replacements = 0;
      for (const [index, one] of edits.entries()) {
        const result = replace(
          after,
          one,
          edits.length > 1 ? `Edit ${index + 1} of ${edits.length}: ` : "",
          path,
        );
        after = result.text;
        replacements += result.replacements;
      }
      const bytes = Buffer.from(after);
      if (bytes.length > limits.write) {
        throw new ToolError(
          `"${path}" would grow to ${bytes.length} bytes, more than the ${limits.write} of one write.`,
        );
      }
      return workspace.withContentPlace(path, async (place) => {
        const written = !dryRun && after !== before;
        if (written) await writeAtomically(place, bytes);
        return {
          structured: { path: place.path, replacements, written, size: bytes.length },
          content: [
            { type: "text", text: unifiedDiff(place.path, before, after) || "[no difference]" },
          ],
        };
      });
    }),
});

function replace(
  text: string,
  { oldText, newText, replaceAll }: z.infer<typeof edit>,
  which: string,
  path: string,
) {
  // Models send plain newlines, so a file with CRLF is looked at that way too.
  const spelling = [oldText, withCrlf(oldText)].find((candidate) => text.includes(candidate));
  if (spelling === undefined)
    throw new ToolError(`${which}oldText does not occur in "${path}". ${hint(text, oldText)}`);
  const found = occurrences(text, spelling);
  if (found.length > 1 && !replaceAll) {
    const lines = found.slice(0, 10).map((offset) => lineAt(text, offset));
    throw new ToolError(
      `${which}oldText occurs ${found.length} times in "${path}" (lines ${lines.join(", ")}${found.length > 10 ? ", ..." : ""}). Add text around it until it is unique, or set replaceAll.`,
    );
  }
  const crlf = spelling.includes("\n") ? spelling.includes("\r\n") : lineEnding(text) === "crlf";
  return {
    text: text.split(spelling).join(crlf ? withCrlf(newText) : newText),
    replacements: found.length,
  };
}

function withCrlf(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

/** Where the piece might have been meant: a place that differs in white space only. */
function hint(text: string, oldText: string): string {
  const squeeze = (line: string) => line.replace(/\s+/g, " ").trim();
  const wanted = oldText.split("\n").map(squeeze).filter(Boolean);
  const first = wanted[0];
  if (first === undefined) return "It is white space only.";
  const lines = text.split("\n").map(squeeze);
  const numbered = lines.flatMap((line, index) =>
    line === "" ? [] : [{ line, number: index + 1 }],
  );
  for (const [index, { line, number }] of numbered.entries()) {
    if (line === first && wanted.every((one, ahead) => numbered[index + ahead]?.line === one)) {
      return `Line ${number} differs from it in white space only: read that part again and copy it exactly.`;
    }
  }
  const near = numbered.find(({ line }) => line.includes(first));
  return near
    ? `Its first line is in line ${near.number}; what follows differs. Read that part again and copy it exactly.`
    : "Read the file again: it may have changed since.";
}

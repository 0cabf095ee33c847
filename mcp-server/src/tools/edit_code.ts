import { z } from "zod";
import { limits } from "../limits.ts";
import { decodeText, lineAt, lineEnding } from "../text.ts";
import type { Change } from "../workspace/change.ts";
import { pathFrom } from "../workspace/paths.ts";
import { pathArgument, placeOf, projectArgument, reasonArgument } from "./place.ts";
import { checkMatch, ifMatchArgument } from "./precondition.ts";
import { tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";
import { unifiedDiff } from "./unified-diff.ts";

const edit = z.strictObject({
  old_text: z.string().min(1),
  new_text: z.string(),
  replace_all: z.boolean().optional(),
  expected_count: z.int().min(1).optional(),
});

export const editCode = tool({
  name: "edit_code",
  title: "Edit a file",
  description:
    "Replaces exact pieces of a text file, all or none, and answers with a diff. old_text must occur once, expected_count times, or any times with replace_all. Line ends stay as they are: send plain newlines.",
  scope: "write",
  input: z.strictObject({
    project: projectArgument,
    path: pathArgument,
    edits: z.array(edit).min(1).max(100),
    if_match: ifMatchArgument,
    dry_run: z.boolean().default(false),
    reason: reasonArgument,
  }),
  output: z.object({
    etag: z.string(),
    replacements: z.int(),
    written: z.boolean(),
    change: z.string().optional(),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  async run(context, { project, path, edits, if_match, dry_run, reason }) {
    const place = placeOf(context, project, path);
    const author = { tool: "edit_code", caller: context.caller, reason };
    const plan = (change: Change) => {
      checkMatch(context, change, place, if_match);
      const there = change.read(place);
      if (!there) throw Object.assign(new Error(place), { code: "ENOENT" });
      const before = decodeText(there.bytes, place);
      // Of the file as it was: an edit may take out the only line end there is.
      const crlf = lineEnding(before) === "crlf";
      let after = before;
      let replacements = 0;
      for (const [index, one] of edits.entries()) {
        const which = edits.length > 1 ? `Edit ${index + 1} of ${edits.length}: ` : "";
        const replaced = replace(after, one, crlf, which, place);
        after = replaced.text;
        replacements += replaced.replacements;
      }
      const bytes = Buffer.from(after);
      if (bytes.length > limits.write) {
        throw new ToolError(
          `"${place}" would grow to ${bytes.length} bytes, more than the ${limits.write} of one file.`,
        );
      }
      const { etag } = change.write(place, bytes);
      return { etag, replacements, diff: unifiedDiff(pathFrom(project, place), before, after) };
    };
    const { result, id } = await context.workspace.change(author, [place], plan, {
      dryRun: dry_run,
    });
    const { etag, replacements, diff } = result;
    return {
      structured: {
        etag,
        replacements,
        written: id !== undefined,
        ...(id === undefined ? {} : { change: id }),
      },
      content: [{ type: "text", text: diff || "[no difference]" }],
    };
  },
});

/** `usual`: whether the file's lines end with CRLF. */
function replace(
  text: string,
  { old_text, new_text, replace_all, expected_count }: z.infer<typeof edit>,
  usual: boolean,
  which: string,
  path: string,
): { text: string; replacements: number } {
  if (!new_text.isWellFormed())
    throw new ToolError(`${which}new_text holds half a Unicode character.`);
  // Models send plain newlines, so each matches a line end of either kind, and the whole of it.
  const lines = old_text.split(/\r?\n/).map((line) => RegExp.escape(line));
  const pattern = new RegExp(lines.join("\\r?\\n"), "g");
  const found = [...text.matchAll(pattern)];
  if (found.length === 0)
    throw new ToolError(`${which}old_text does not occur in "${path}". ${hint(text, old_text)}`);
  const wanted = expected_count ?? (replace_all ? found.length : 1);
  if (found.length !== wanted) {
    const at = found.slice(0, 10).map(({ index }) => lineAt(text, index));
    throw new ToolError(
      `${which}old_text occurs ${found.length} times in "${path}" (lines ${at.join(", ")}${found.length > 10 ? ", ..." : ""}), not ${wanted}. Add text around it until it is unique, or set replace_all or expected_count.`,
    );
  }
  return {
    text: text.replace(pattern, (piece) => {
      const crlf = piece.includes("\n") ? piece.includes("\r\n") : usual;
      return crlf ? withCrlf(new_text) : new_text;
    }),
    replacements: found.length,
  };
}

function withCrlf(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

/** Where the piece might have been meant: a place that differs in white space only, or the numbers that read_code shows. */
function hint(text: string, oldText: string): string {
  if (/^\d+\t/.test(oldText))
    return "It begins with a line number as read_code shows them: leave the numbers and tabs out.";
  const squeeze = (line: string) => line.replace(/\s+/g, " ").trim();
  const wanted = oldText.split("\n").map(squeeze).filter(Boolean);
  const first = wanted[0];
  if (first === undefined) return "It is white space only.";
  const numbered = text.split("\n").flatMap((line, index) => {
    const squeezed = squeeze(line);
    return squeezed === "" ? [] : [{ line: squeezed, number: index + 1 }];
  });
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

import { z } from "zod";
import { limits } from "../limits.ts";
import { patchText } from "../patch/fit-hunks.ts";
import { type FilePatch, parsePatch } from "../patch/parse-patch.ts";
import { decodeText } from "../text.ts";
import type { Change } from "../workspace/change.ts";
import { resolvePath } from "../workspace/paths.ts";
import { about } from "./about.ts";
import { placeOf, projectArgument, reasonArgument } from "./place.ts";
import { type CallContext, tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

export const applyPatch = tool({
  name: "apply_patch",
  title: "Apply a patch",
  description:
    "Applies a unified diff to one or more files, all or nothing: edits, new files, deletes, renames (git's form). Paths are relative to the project. Lines must match exactly; wrong line numbers are put right where only one place fits.",
  scope: "write",
  input: z.strictObject({
    project: projectArgument,
    patch: z.string().min(1),
    dry_run: z.boolean().default(false),
    reason: reasonArgument,
  }),
  output: z.object({
    files: z.array(z.object({ path: z.string(), done: z.string(), etag: z.string().optional() })),
    change: z.string().optional(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
  async run(context, { project, patch, dry_run, reason }) {
    placeOf(context, project, ".");
    const steps = parsePatch(patch).map((one) => ({ ...one, ...placesOf(project, one) }));
    checkScope(context, steps);
    const author = { tool: "apply_patch", caller: context.caller, reason };
    const { result: files, id } = await context.workspace.change(
      author,
      lockFor(steps),
      (change) =>
        steps.map((one) => about(one.target ?? one.source ?? "", () => apply(change, one))),
      { dryRun: dry_run },
    );
    const text = files.map(({ path, done }) => `${dry_run ? "would be " : ""}${done}  ${path}`);
    return {
      structured: { files, ...(id === undefined ? {} : { change: id }) },
      content: [{ type: "text", text: text.join("\n") }],
    };
  },
});

/** A patch of a file, and where in the workspace that file is before and after. */
interface Step extends FilePatch {
  source?: string;
  target?: string;
}

interface Done {
  path: string;
  done: string;
  etag?: string;
}

function placesOf(project: string, { from, to }: FilePatch): { source?: string; target?: string } {
  return {
    ...(from === undefined ? {} : { source: resolvePath(project, from) }),
    ...(to === undefined ? {} : { target: resolvePath(project, to) }),
  };
}

function checkScope(context: CallContext, patches: readonly FilePatch[]): void {
  const deleted = patches.find((one) => one.to === undefined);
  if (deleted && !context.caller.scopes.has("delete")) {
    throw new ToolError(
      `The patch deletes "${deleted.from}", and token "${context.caller.token}" may not delete. Nothing was applied. Leave that file out.`,
    );
  }
}

function lockFor(steps: readonly Step[]): string[] | "all" {
  const places = steps.flatMap(({ source, target }) => [source ?? target, target ?? source]);
  const moves = steps.some(({ source, target }) => source && target && source !== target);
  return moves ? "all" : [...new Set(places as string[])];
}

function apply(change: Change, step: Step): Done {
  const { source, target, from, to } = step;
  if (source === undefined) return create(change, step, target as string, NOTHING, "created");
  const kind = change.kind(source);
  if (kind === "absent") {
    throw new ToolError(
      `The patch changes "${source}", which does not exist. Nothing was applied. A new file has "--- /dev/null" and no lines but added ones.`,
    );
  }
  if (kind === "folder")
    throw new ToolError(`The patch changes "${source}", which is a folder. Nothing was applied.`);
  if (target === undefined) return remove(change, step, source);
  if (step.copy)
    return create(change, step, target, contentOf(change, source), `copied from ${from}`);
  const moves = target !== source;
  if (moves) change.move(source, target);
  const done = { path: to as string, done: moves ? `moved from ${from}` : "changed" };
  if (step.hunks.length === 0 && step.executable === undefined) return done;
  const { bytes, mode } = contentOf(change, target);
  const after = patched(bytes, step, target);
  return { ...done, etag: change.write(target, after, { mode: modeOf(step, mode) }).etag };
}

function create(change: Change, step: Step, target: string, from: Content, done: string): Done {
  if (change.kind(target) !== "absent") {
    throw new ToolError(
      `The patch creates "${target}", which exists already. Nothing was applied. To change it, write "--- a/${step.to}" and lines that are in it.`,
    );
  }
  const options = { parents: true, mode: modeOf(step, from.mode) };
  const { etag } = change.write(target, patched(from.bytes, step, target), options);
  return { path: step.to as string, done, etag };
}

function remove(change: Change, step: Step, source: string): Done {
  if (step.hunks.length > 0) {
    const left = patched(contentOf(change, source).bytes, step, source).toString();
    if (left !== "") {
      throw new ToolError(
        `The patch deletes "${source}", but does not know of ${left.replace(/\n$/, "").split("\n").length} of its lines. Nothing was applied. Read the file again, or leave the hunks out.`,
      );
    }
  }
  change.trash(source);
  return { path: step.from as string, done: "deleted" };
}

interface Content {
  bytes: Buffer;
  /** Permission bits. */
  mode: number;
}

/** Of a file that is not there yet. */
const NOTHING: Content = { bytes: Buffer.alloc(0), mode: 0o666 & ~process.umask() };

function contentOf(change: Change, path: string): Content {
  return change.read(path) ?? NOTHING;
}

function patched(bytes: Buffer, { hunks }: Step, path: string): Buffer {
  if (hunks.length === 0) return bytes;
  const after = Buffer.from(patchText(decodeText(bytes, path), hunks, path));
  if (after.length <= limits.write) return after;
  throw new ToolError(
    `"${path}" would grow to ${after.length} bytes, more than the ${limits.write} of one file. Nothing was applied.`,
  );
}

/** Who may read it may run it, as git does it. */
function modeOf({ executable }: Step, before: number): number {
  if (executable === undefined) return before;
  return executable ? before | ((before & 0o444) >> 2) : before & ~0o111;
}

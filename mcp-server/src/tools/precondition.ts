/** What a writer expects to find, so that nobody overwrites what he has not seen. */
import { z } from "zod";
import { limits } from "../limits.ts";
import type { Change } from "../workspace/change.ts";
import type { CallContext } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

/** Etag that the file must still have. */
export const ifMatchArgument = z.string().optional();

/** Throws ToolError, with the present etag and who changed the file last, when it is not the one expected. */
export function checkMatch(
  context: CallContext,
  change: Change,
  path: string,
  expected: string | undefined,
): void {
  if (expected === undefined) return;
  if (change.kind(path) === "folder")
    throw new ToolError(`"${path}" is a folder; only files have an etag. Leave if_match out.`);
  const present = presentEtag(context, change, path);
  if (present === expected) return;
  if (present === undefined)
    throw new ToolError(`"${path}" does not exist (any more), so it cannot match if_match.`);
  const [last] = context.workspace.history.of(path, { limit: 1 }).versions;
  const who =
    last?.tool === undefined
      ? "outside this server"
      : `by ${last.user ?? last.token} with ${last.tool} at ${last.time}`;
  throw new ToolError(
    `"${path}" has changed since you read it (last ${who}): its etag is now ${present}. Read it again and repeat your change on what is there.`,
  );
}

function presentEtag(context: CallContext, change: Change, path: string): string | undefined {
  if (change.kind(path) !== "file") return undefined;
  using file = context.workspace.files.file(path);
  return file.stats.size > limits.write ? context.workspace.etag(path) : change.read(path)?.etag;
}

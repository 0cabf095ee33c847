import { z } from "zod";
import { decodeText } from "../text.ts";
import { pathFrom, projectOf, resolvePath } from "../workspace/paths.ts";
import { pathArgument, projectArgument } from "./place.ts";
import { type CallContext, tool } from "./tool.ts";
import { failedWith, ToolError } from "./tool-error.ts";
import { unifiedDiff } from "./unified-diff.ts";
import { mayReach, versionContent } from "./versions.ts";

const NOW = "now";

export const diffTool = tool({
  name: "diff",
  title: "Compare versions",
  description:
    'Unified diff of a text file between two versions of its history. Default: the version before the newest one, and "now".',
  scope: "read",
  input: z.strictObject({
    project: projectArgument,
    path: pathArgument,
    from: z.string().optional(),
    to: z.string().default(NOW),
  }),
  output: z.object({ from: z.string(), to: z.string(), changed: z.boolean() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run(context, { project, path, from, to }) {
    const place = resolvePath(project, path);
    const before = from ?? previous(context, place);
    // As apply_patch takes it.
    const name = pathFrom(project, place);
    const diff = unifiedDiff(name, text(context, place, before), text(context, place, to), {
      before: label(before),
      after: label(to),
    });
    return {
      content: [{ type: "text", text: diff || "[no difference]" }],
      structured: { from: before, to, changed: diff !== "" },
    };
  },
});

/** The newest version whose content is not what is there now. */
function previous(context: CallContext, path: string): string {
  const { versions } = context.workspace.history.of(path, { limit: 200 });
  const seen = versions.filter((one) => mayReach(context, one.path));
  let now: string | undefined;
  try {
    now = context.workspace.etag(path);
  } catch {
    // Deleted: its last content is what it is compared with.
  }
  const found = seen.find((one) => one.available && one.etag !== now);
  if (found) return found.version;
  if (seen.length === 0) context.workspace.requireProject(projectOf(path), context.caller);
  throw new ToolError(
    seen.length === 0
      ? `"${path}" has no history yet: nothing has changed it through this server.`
      : `"${path}" has no other version whose content is kept.`,
  );
}

/** Of a file that was deleted, there is none now. */
function text(context: CallContext, path: string, version: string): string {
  if (version !== NOW) return decodeText(versionContent(context, path, version).bytes, path);
  try {
    return decodeText(context.workspace.read(path).bytes, path);
  } catch (error) {
    if (failedWith(error, "ENOENT")) return "";
    throw error;
  }
}

function label(version: string): string {
  return version === NOW ? NOW : `version ${version}`;
}

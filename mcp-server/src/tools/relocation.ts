/** What move and copy share: from one place to another, perhaps in another project. */
import { z } from "zod";
import type { Change } from "../workspace/change.ts";
import { about } from "./about.ts";
import { placeOf, projectArgument, reasonArgument } from "./place.ts";
import type { CallContext } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

export const relocationInput = z.strictObject({
  project: projectArgument,
  from: z.string(),
  to: z.string(),
  to_project: projectArgument.optional(),
  reason: reasonArgument,
});

interface Relocated<T> {
  from: string;
  to: string;
  result: T;
  change: string;
}

/** Throws ToolError when a place cannot be one, a project does not exist, or nothing is at `from`. */
export async function relocate<T>(
  context: CallContext,
  tool: string,
  {
    project,
    from: source,
    to: target,
    to_project = project,
    reason,
  }: z.infer<typeof relocationInput>,
  plan: (change: Change, from: string, to: string) => Promise<T> | T,
): Promise<Relocated<T>> {
  const from = placeOf(context, project, source);
  const to = placeOf(context, to_project, target);
  if (from === project || to === to_project)
    throw new ToolError("A project itself is not moved or copied: name a file or folder in it.");
  const author = { tool, caller: context.caller, reason };
  const { result, id } = await about(to, () =>
    context.workspace.change(author, "all", (change) => {
      about(to, () => change.kind(to));
      return about(from, () => {
        if (change.kind(from) === "absent")
          throw Object.assign(new Error(from), { code: "ENOENT" });
        return plan(change, from, to);
      });
    }),
  );
  return { from, to, result, change: String(id) };
}

import { z } from "zod";
import { relocate, relocationInput } from "./relocation.ts";
import { tool } from "./tool.ts";

export const move = tool({
  name: "move",
  title: "Move or rename",
  description:
    "Moves a file or folder, with missing folders above the target, which must not exist.",
  scope: "write",
  input: relocationInput,
  output: z.object({ change: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  async run(context, input) {
    const { from, to, change } = await relocate(context, "move", input, (planned, ...places) =>
      planned.move(...places),
    );
    return {
      structured: { change },
      content: [{ type: "text", text: `moved ${from} to ${to}` }],
    };
  },
});

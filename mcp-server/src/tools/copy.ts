import { z } from "zod";
import { relocate, relocationInput } from "./relocation.ts";
import { tool } from "./tool.ts";

export const copy = tool({
  name: "copy",
  title: "Copy",
  description:
    "Copies a file, or a folder without links and .git, with missing folders above the target, which must not exist.",
  scope: "write",
  input: relocationInput,
  output: z.object({ files: z.int(), change: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  async run(context, input) {
    const { from, to, result, change } = await relocate(
      context,
      "copy",
      input,
      (planned, ...places) => planned.copy(...places),
    );
    const { files } = result;
    return {
      structured: { files, change },
      content: [
        {
          type: "text",
          text: `copied ${from} to ${to}, ${files} ${files === 1 ? "file" : "files"}`,
        },
      ],
    };
  },
});

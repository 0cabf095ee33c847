import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { checkIdentifier, openWebuiOf } from "./common.ts";

export const toggleFunction = tool({
  name: "toggle_function",
  title: "Switch a function",
  description: "Switches a function of the chat server on or off.",
  scope: "self-modify",
  input: z.strictObject({ id: z.string() }),
  output: z.object({ id: z.string(), is_active: z.boolean() }),
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
  async run(context, { id }) {
    checkIdentifier(id);
    const toggled = await openWebuiOf(context).post(
      `/api/v1/functions/id/${id}/toggle`,
      {},
      z.object({ id: z.string(), is_active: z.boolean() }),
      context.signal,
    );
    return { structured: toggled };
  },
});

import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { checkIdentifier, codeArguments, making, openWebuiOf } from "./common.ts";

export const createFunction = tool({
  name: "create_function",
  title: "Create a function",
  description:
    "Adds a function (Python class Pipe, Filter or Action) to the chat server, switched off. It runs inside the chat server.",
  scope: "self-modify",
  input: codeArguments,
  output: z.object({ id: z.string(), type: z.string(), is_active: z.boolean() }),
  annotations: making,
  async run(context, { id, name, description, code }) {
    checkIdentifier(id);
    const made = await openWebuiOf(context).post(
      "/api/v1/functions/create",
      { id, name, content: code, meta: { description } },
      z.object({ id: z.string(), type: z.string(), is_active: z.boolean() }),
      context.signal,
    );
    return { structured: made };
  },
});

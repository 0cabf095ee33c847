import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { checkIdentifier, codeArguments, making, openWebuiOf } from "./common.ts";

export const createTool = tool({
  name: "create_tool",
  title: "Create a chat tool",
  description:
    "Adds a tool (Python class Tools) for the chat's models, for administrators only at first. It runs inside the chat server.",
  scope: "self-modify",
  input: codeArguments,
  output: z.object({ id: z.string() }),
  annotations: making,
  async run(context, { id, name, description, code }) {
    checkIdentifier(id);
    const made = await openWebuiOf(context).post(
      "/api/v1/tools/create",
      { id, name, content: code, meta: { description }, access_grants: [] },
      z.object({ id: z.string() }),
      context.signal,
    );
    return { structured: made };
  },
});

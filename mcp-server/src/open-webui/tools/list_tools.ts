import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { lines, listed, openWebuiOf, reading } from "./common.ts";

const answer = z.array(z.object({ id: z.string(), name: z.string() }));

export const listTools = tool({
  name: "list_tools",
  title: "List the chat's tools",
  description: "Tools that the chat server offers its models.",
  scope: "read",
  input: z.strictObject({}),
  output: listed,
  annotations: reading,
  async run(context) {
    const tools = await openWebuiOf(context).get("/api/v1/tools/", answer, context.signal);
    return lines(
      tools.map(({ id, name }) => `${id}  ${name}`),
      "No tools yet.",
    );
  },
});

import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { lines, listed, openWebuiOf, reading } from "./common.ts";

const answer = z.array(
  z.object({ id: z.string(), name: z.string(), type: z.string(), is_active: z.boolean() }),
);

export const listFunctions = tool({
  name: "list_functions",
  title: "List functions",
  description: "Functions (pipes, filters, actions) of the chat server, and which are on.",
  scope: "read",
  input: z.strictObject({}),
  output: listed,
  annotations: reading,
  async run(context) {
    const functions = await openWebuiOf(context).get("/api/v1/functions/", answer, context.signal);
    return lines(
      functions.map(
        (one) => `${one.id}  ${one.type}  ${one.is_active ? "on" : "off"}  ${one.name}`,
      ),
      "No functions yet.",
    );
  },
});

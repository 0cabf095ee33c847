import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { lines, listed, openWebuiOf, reading } from "./common.ts";

const answer = z.object({
  data: z.array(z.object({ id: z.string(), name: z.string().optional() })),
});

export const listModels = tool({
  name: "list_models",
  title: "List chat models",
  description: "Models of the chat server.",
  scope: "read",
  input: z.strictObject({}),
  output: listed,
  annotations: reading,
  async run(context) {
    const { data } = await openWebuiOf(context).get("/api/models", answer, context.signal);
    return lines(
      data.map(({ id, name }) => (name === undefined || name === id ? id : `${id}  ${name}`)),
      "No models yet.",
    );
  },
});

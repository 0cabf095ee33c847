import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { openWebuiOf, reading } from "./common.ts";

export const getHealth = tool({
  name: "get_health",
  title: "Health of the chat server",
  description: "Whether Open WebUI runs and reaches its database and cache, and its version.",
  scope: "read",
  input: z.strictObject({}),
  output: z.object({ running: z.boolean(), ready: z.boolean(), version: z.string().optional() }),
  annotations: reading,
  async run(context) {
    const chat = openWebuiOf(context);
    const [running, ready] = await Promise.all([
      chat.answers("/health", context.signal),
      chat.answers("/ready", context.signal),
    ]);
    if (!running) return { structured: { running, ready } };
    const answer = z.object({ version: z.string() });
    const { version } = await chat.get("/api/version", answer, context.signal);
    return { structured: { running, ready, version } };
  },
});

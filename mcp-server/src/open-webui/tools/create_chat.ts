import { randomUUID } from "node:crypto";
import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { making, openWebuiOf } from "./common.ts";

export const createChat = tool({
  name: "create_chat",
  title: "Create a chat",
  description: "Makes a chat, with a first message of the user if given.",
  scope: "write",
  input: z.strictObject({
    title: z.string().min(1).max(200),
    model: z.string().min(1),
    message: z.string().optional(),
  }),
  output: z.object({ id: z.string() }),
  annotations: making,
  async run(context, { title, model, message }) {
    const id = randomUUID();
    const first = {
      id,
      parentId: null,
      childrenIds: [],
      role: "user",
      content: message,
      timestamp: Math.floor(Date.now() / 1000),
      models: [model],
    };
    const messages = message === undefined ? [] : [first];
    const history = {
      messages: message === undefined ? {} : { [id]: first },
      currentId: message === undefined ? null : id,
    };
    const chat = await openWebuiOf(context).post(
      "/api/v1/chats/new",
      { chat: { title, models: [model], messages, history } },
      z.object({ id: z.string() }),
      context.signal,
    );
    return { structured: { id: chat.id } };
  },
});

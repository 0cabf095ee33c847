/** A chat held over Open WebUI's API as its page holds one: the server itself calls the tools and keeps the answer. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** A JSON call as somebody signed in; throws when the answer is not 2xx. */
export type AskJson = <T>(
  path: string,
  options?: { method?: string; json?: unknown },
) => Promise<T>;

interface Chat {
  id: string;
  chat: {
    history: { messages: Record<string, { content?: string; done?: boolean; error?: unknown }> };
  };
}

export interface Answered {
  chatId: string;
  /** The assistant's last words. */
  text: string;
}

/** Says one thing in a new chat with the workspace's tools switched on, and waits for the answer to be stored. */
export async function chatWithTools(
  askJson: AskJson,
  said: string,
  options: { model: string; toolIds?: string[]; forMs?: number },
): Promise<Answered> {
  const { model, toolIds = ["server:mcp:hub"], forMs = 120_000 } = options;
  const [question, answer] = [randomUUID(), randomUUID()];
  const timestamp = Math.floor(Date.now() / 1000);
  const user = {
    id: question,
    parentId: null,
    childrenIds: [answer],
    role: "user",
    content: said,
    timestamp,
    models: [model],
  };
  const assistant = {
    id: answer,
    parentId: question,
    childrenIds: [],
    role: "assistant",
    content: "",
    model,
    modelName: model,
    modelIdx: 0,
    timestamp,
  };
  const { id: chatId } = await askJson<Chat>("/api/v1/chats/new", {
    method: "POST",
    json: {
      chat: {
        title: "Rehearsal",
        models: [model],
        messages: [user, assistant],
        history: { messages: { [question]: user, [answer]: assistant }, currentId: answer },
      },
    },
  });
  await askJson("/api/chat/completions", {
    method: "POST",
    json: {
      model,
      stream: true,
      messages: [{ role: "user", content: said }],
      tool_ids: toolIds,
      // Without these the tool calls come back to the caller instead of being made.
      session_id: randomUUID(),
      chat_id: chatId,
      id: answer,
      parent_id: question,
    },
  });
  return { chatId, text: await storedAnswer(askJson, chatId, answer, forMs) };
}

async function storedAnswer(
  askJson: AskJson,
  chatId: string,
  id: string,
  forMs: number,
): Promise<string> {
  const end = Date.now() + forMs;
  for (;;) {
    const { chat } = await askJson<Chat>(`/api/v1/chats/${chatId}`);
    const message = chat.history.messages[id];
    if (message?.error)
      throw new Error(`The chat ended with an error: ${JSON.stringify(message.error)}`);
    if (message?.done && message.content) return message.content;
    if (Date.now() > end) {
      throw new Error(
        `No answer after ${forMs / 1000} s; the chat holds ${JSON.stringify(message)}`,
      );
    }
    await sleep(250);
  }
}

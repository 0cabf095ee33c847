/** Writes through the chat's API as its page does: a new chat, then a message in it. */
import { randomUUID } from "node:crypto";
import { chatForm } from "../scenarios/chat-form.ts";
import { ask, type Outputs, type Session } from "../scenarios/hub.ts";
import { contentOf } from "./attempt.ts";
import { MESSAGE_LINES } from "./judge.ts";
import { type Lane, PATIENCE, type Said } from "./lane.ts";

/** Every second write is a message in the chat that was made before it, if it was. */
export function chatLane(to: Outputs, session: Session): Lane {
  let open: { id: string; title: string } | undefined;
  return {
    ...{ writer: "chat", letter: "c", every: 600 },
    target: () => (open ? { kind: "message", chat: open.title } : { kind: "chat" }),
    async write(token) {
      const chat = open;
      open = undefined;
      if (chat === undefined) {
        const said = await post(to, session, "/api/v1/chats/new", chatForm(token));
        if (said.outcome === "acknowledged") {
          open = { id: (JSON.parse(said.body) as { id: string }).id, title: token };
        }
        return said;
      }
      const message = { id: randomUUID(), content: contentOf(token, MESSAGE_LINES) };
      return post(to, session, `/api/v1/chats/${chat.id}`, chatForm(chat.title, message));
    },
  };
}

async function post(
  to: Outputs,
  session: Session,
  path: string,
  json: unknown,
): Promise<Said & { body: string }> {
  try {
    const { status, body } = await ask(to, path, {
      method: "POST",
      headers: {
        ...{ Accept: "application/json", "Content-Type": "application/json" },
        Cookie: session.cookie,
      },
      body: JSON.stringify(json),
      timeout: PATIENCE,
    });
    if (status >= 200 && status < 300) return { outcome: "acknowledged", words: "", body };
    return { outcome: "refused", words: body.trim() === "" ? String(status) : body, body };
  } catch (error) {
    return { outcome: "cut-off", words: (error as Error).message, body: "" };
  }
}

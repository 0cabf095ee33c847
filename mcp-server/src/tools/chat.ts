/** Which chat a call is about. */
import { z } from "zod";
import type { CallContext } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

/** Id of a chat, or "current". */
export const chatArgument = z.string().min(1).max(200).optional();

/** Throws ToolError when the present chat is meant and the client does not say which it is. */
export function chatOf(context: CallContext, chat: string): string {
  if (chat !== "current") return chat;
  if (context.caller.chat !== undefined) return context.caller.chat;
  throw new ToolError(
    'This client does not say which chat it calls for, so there is no "current" one. Give the chat\'s id; history of the project shows it.',
  );
}

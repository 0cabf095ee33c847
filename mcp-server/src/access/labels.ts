/** Who and which chat a call is made for, as the client says: labels for history and audit, never rights. */
import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "./caller.ts";

/** Characters of a label. */
const LONGEST = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** The caller with the labels that Open WebUI forwards as headers. */
export function withHeaderLabels(caller: Caller, headers: IncomingHttpHeaders): Caller {
  const user =
    headers["x-openwebui-user-email"] ??
    headers["x-openwebui-user-name"] ??
    headers["x-openwebui-user-id"];
  const chat = headers["x-openwebui-chat-id"];
  const message = headers["x-openwebui-message-id"];
  if (user === undefined && chat === undefined && message === undefined) return caller;
  return labelled(caller, caller.user ?? decoded(user), decoded(chat), decoded(message));
}

/** The caller with the labels of a request's `_meta`; what a header says already stays. */
export function withMetaLabels(
  caller: Caller,
  meta: Readonly<Record<string, unknown>> | undefined,
): Caller {
  if (meta === undefined) return caller;
  const user = meta["io.aihub/user"];
  const chat = meta["io.aihub/chat"];
  const message = meta["io.aihub/message"];
  if (user === undefined && chat === undefined && message === undefined) return caller;
  return labelled(caller, caller.user ?? user, caller.chat ?? chat, caller.message ?? message);
}

function labelled(caller: Caller, user: unknown, chat: unknown, message: unknown): Caller {
  const labels = { user: clean(user), chat: clean(chat), message: clean(message) };
  return {
    token: caller.token,
    scopes: caller.scopes,
    projects: caller.projects,
    ...(labels.user && { user: labels.user }),
    ...(labels.chat && { chat: labels.chat }),
    ...(labels.message && { message: labels.message }),
  };
}

function clean(label: unknown): string | undefined {
  if (typeof label !== "string") return undefined;
  return label.replace(CONTROL, "").slice(0, LONGEST).toWellFormed().trim();
}

/** Open WebUI percent-encodes names that are not ASCII. */
function decoded(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || !text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

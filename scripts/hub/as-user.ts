/** Uses a hub as a person and a program do: signs in, reads a chat and a file, calls a tool. */
import { UserError } from "../../hub/user-error.ts";
import { CANARY_CHAT } from "../../recovery/proof/canary.ts";
import { askHub, type HubAddress, type HubRequest } from "./hub-https.ts";

const ask = (hub: HubAddress, path: string, { headers, ...rest }: HubRequest = {}) =>
  askHub(hub, path, { ...rest, headers: { Accept: "application/json", ...headers } });

/** @returns the session's token @throws UserError */
export async function signIn(hub: HubAddress, email: string, password: string): Promise<string> {
  const answer = await ask(hub, "/api/v1/auths/signin", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  const token = answer.status === 200 && (JSON.parse(answer.body) as { token?: string }).token;
  if (!token) throw new UserError(`${email} does not get in: the chat answers ${answer.status}`);
  return token;
}

export interface Read {
  /** What was read, for the record. */
  detail: string;
  text: string;
}

/** The canary where there is one, else the newest chat. */
export async function readChat(hub: HubAddress, session: string): Promise<Read> {
  const get = async <T>(path: string): Promise<T> => {
    const answer = await ask(hub, path, { headers: { Authorization: `Bearer ${session}` } });
    if (answer.status !== 200) throw new UserError(`GET ${path} answers ${answer.status}`);
    return JSON.parse(answer.body) as T;
  };
  const search = await get<{ id: string; title: string }[]>(
    `/api/v1/chats/search?text=${encodeURIComponent(CANARY_CHAT)}`,
  );
  const found =
    search.find(({ title }) => title === CANARY_CHAT) ??
    (await get<{ id: string; title: string }[]>("/api/v1/chats/?page=1"))[0];
  if (!found) throw new UserError("The administrator has no chat that could be read");
  const chat = await get<{ chat: unknown }>(`/api/v1/chats/${found.id}`);
  const text = JSON.stringify(chat.chat);
  return { detail: `"${found.title}", ${text.length} characters`, text };
}

/** @param path in the workspace @throws UserError */
export async function readFile(hub: HubAddress, session: string, path: string): Promise<Read> {
  const way = `/files/${path.split("/").map(encodeURIComponent).join("/")}`;
  const answer = await ask(hub, way, { headers: { Cookie: `token=${session}` } });
  if (answer.status !== 200) throw new UserError(`GET ${way} answers ${answer.status}`);
  return { detail: `${path}, ${answer.body.length} characters`, text: answer.body };
}

/** @returns the text of the tool's answer @throws UserError */
export async function callTool(
  hub: HubAddress,
  mcpToken: string,
  name: string,
  args: Record<string, unknown>,
): Promise<string> {
  const answer = await ask(hub, "/mcp", {
    method: "POST",
    headers: {
      Authorization: `Bearer ${mcpToken}`,
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({
      ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
      params: { name, arguments: args },
    }),
  });
  if (answer.status !== 200) throw new UserError(`The tool ${name} answers ${answer.status}`);
  const data = /^data: (.*)$/m.exec(answer.body)?.[1] ?? answer.body;
  const { result, error } = JSON.parse(data) as {
    result?: { isError?: boolean; content?: { text?: string }[] };
    error?: { message: string };
  };
  const text = (result?.content ?? []).map((part) => part.text ?? "").join("\n");
  if (error || result?.isError) {
    throw new UserError(`The tool ${name} fails: ${error?.message ?? text.slice(0, 200)}`);
  }
  return text;
}

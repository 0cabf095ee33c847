/** A chat that knows sessions, and can be made to answer as it must not. For what a real one cannot be brought to. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeChat {
  url: string;
  /** User records by session. */
  sessions: Record<string, object>;
  ready: boolean;
  /** Takes over the answer. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Paths asked for. */
  asked: string[];
  close(): Promise<void>;
}

export async function fakeChat(): Promise<FakeChat> {
  const chat: FakeChat = {
    url: "",
    sessions: {},
    ready: true,
    instead: undefined,
    asked: [],
    close: async () => {},
  };
  const server = createServer((request, response) => {
    chat.asked.push(request.url ?? "");
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (request.url === "/ready") return json(chat.ready ? 200 : 503, {});
    if (chat.instead) return chat.instead(request, response);
    if (request.url === "/api/v1/auths/") {
      const token = /^token=(.*)$/.exec(request.headers.cookie ?? "")?.[1];
      const user = token === undefined ? undefined : chat.sessions[token];
      return user ? json(200, user) : json(401, { detail: "Not authenticated" });
    }
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<title>Open WebUI</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  chat.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  chat.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return chat;
}

/** The hub's own server, on a Unix socket that nginx alone can reach: who asks here has passed nginx. */
import { chmod, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { TokenStore } from "../mcp-server/src/access/tokens.ts";
import { certificateSection } from "./certificate/section.ts";
import type { HubServerSettings } from "./environment.ts";
import { answerVerdict } from "./gate/answer.ts";
import { ChatSessions } from "./gate/chat-session.ts";
import { Gate } from "./gate/gate.ts";
import { Proof } from "./gate/proof.ts";
import { questionOf } from "./gate/question.ts";
import { SessionCache } from "./gate/session-cache.ts";

/** Answers what is below its prefix. */
export interface Section {
  /** Path that starts what it answers, like "/hub/". */
  prefix: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> | void;
  close?(): Promise<void> | void;
}

export interface RunningHubServer {
  close(): Promise<void>;
}

export async function startHubServer(settings: HubServerSettings): Promise<RunningHubServer> {
  const sessions = new ChatSessions({ url: settings.chatUrl, readers: settings.readers });
  const cache = new SessionCache(sessions, settings.sessionMs);
  const proof = new Proof(sessions, () => cache.clear());
  const gate = new Gate({
    sessions: cache,
    tokens: new TokenStore(settings.tokensFile),
    access: settings.access,
    publicUrl: settings.publicUrl,
    doubt: () => proof.doubt,
  });
  const sections: Section[] = [
    {
      prefix: "/gate",
      async handle(request, response) {
        const question = questionOf(request.headers);
        answerVerdict(
          response,
          question ? await gate.ask(question) : { outcome: "unavailable", why: "no question" },
        );
      },
    },
    {
      // Not well as long as nobody passes: a release that cannot guard its doors is not taken.
      prefix: "/health",
      handle(_request, response) {
        response.writeHead(proof.doubt === undefined ? 200 : 503, { "Content-Type": "text/plain" });
        response.end(`${proof.doubt ?? "ok"}\n`);
      },
    },
  ];
  if (settings.certificate) sections.push(certificateSection(settings.certificate));
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const section = sections.find(({ prefix }) => path.startsWith(prefix));
    if (!section) {
      response.writeHead(404).end();
      return;
    }
    // A promise in any case, so that what is thrown at once is caught as well.
    void (async () => section.handle(request, response))().catch((error: Error) => {
      process.stderr.write(`${request.method} ${path.split("?")[0]}: ${error.stack}\n`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
  await listenOnSocket(server, settings.socket);
  void proof.watch();
  return {
    async close() {
      proof.stop();
      server.closeIdleConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const { close } of sections) await close?.();
      sessions.close();
    },
  };
}

async function listenOnSocket(server: Server, path: string): Promise<void> {
  // nginx keeps connections to it; one that is closed under a question would be a refusal.
  server.keepAliveTimeout = 90_000;
  // Left by one that was killed.
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  // Its folder says who reaches it: nginx's group.
  await chmod(path, 0o666);
}

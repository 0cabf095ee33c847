/** The gate as a part of a server: what nginx asks, and whether it can be answered at all. */
import { TokenStore } from "../../mcp-server/src/access/tokens.ts";
import type { GateSettings } from "../environment.ts";
import type { Section } from "../section.ts";
import { answerVerdict } from "./answer.ts";
import { ChatSessions, ChatUnavailable } from "./chat-session.ts";
import { Gate } from "./gate.ts";
import { Proof } from "./proof.ts";
import { questionOf } from "./question.ts";
import { SessionCache, type SessionSource } from "./session-cache.ts";

/** Begins at once to look whether the chat turns strangers away. */
export function gateSections(settings: GateSettings): Section[] {
  const sessions = new ChatSessions({ url: settings.chatUrl, readers: settings.readers });
  const proven: SessionSource = {
    async whose(token) {
      if (proof.doubt !== undefined) throw new ChatUnavailable(proof.doubt);
      return sessions.whose(token);
    },
  };
  const { sessionMs } = settings;
  const cache = new SessionCache(proven, { fresh: sessionMs / 3, most: sessionMs });
  const proof = new Proof(sessions, () => cache.clear());
  const gate = new Gate({
    sessions: cache,
    tokens: new TokenStore(settings.tokensFile),
    access: settings.access,
    publicUrl: settings.publicUrl,
  });
  void proof.watch();
  return [
    {
      prefix: "/gate",
      async handle(request, response) {
        const question = questionOf(request.headers);
        answerVerdict(response, question ? await gate.ask(question) : { outcome: "unavailable" });
      },
      close() {
        proof.stop();
        sessions.close();
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
}

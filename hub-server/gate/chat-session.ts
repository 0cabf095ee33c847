/** Asks the chat whose session a cookie is. */
import { Agent, request } from "node:http";
import { type Person, personOf } from "./person.ts";

/** Where the chat could not say: it is down, slow, or not what this gate knows how to ask. */
export class ChatUnavailable extends Error {
  override name = "ChatUnavailable";
}

/** The chat takes a stranger for somebody: nothing that it says is to be believed. */
export class StrangersLetIn extends ChatUnavailable {
  override name = "StrangersLetIn";
}

/** Exactly this path: the chat answers 200 with its page to any other, whoever asks. */
const SESSION = "/api/v1/auths/";
const READY = "/ready";
/** Bytes of an answer: a profile picture may be in it. */
const LARGEST = 4 * 1024 * 1024;

export interface ChatSettings {
  url: string;
  readers: ReadonlySet<string>;
  /** Milliseconds for one answer. Default 4,000. */
  timeout?: number;
}

interface ChatAnswer {
  status: number;
  /** Undefined when it is not JSON. */
  json: unknown;
}

export class ChatSessions {
  readonly #settings: ChatSettings;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  constructor(settings: ChatSettings) {
    this.#settings = settings;
  }

  /**
   * The person whose session it is; undefined when it is nobody's.
   * @throws ChatUnavailable when the chat cannot tell for sure
   */
  async whose(token: string): Promise<Person | undefined> {
    // Without its cache the chat forgets who has signed out: then nobody's session is to be believed.
    const [ready, session] = await Promise.all([this.#ask(READY), this.#ask(SESSION, token)]);
    if (ready.status !== 200)
      throw new ChatUnavailable(`the chat is not ready: it answers ${ready.status} at ${READY}`);
    // 403 is said to a key of its API, which is no session.
    if (session.status === 401 || session.status === 403) return undefined;
    const person =
      session.status === 200 ? personOf(session.json, this.#settings.readers) : undefined;
    if (!person) {
      throw new ChatUnavailable(
        `the chat answers ${session.status} ${session.json === undefined ? "with no JSON" : "with no user"} at ${SESSION}`,
      );
    }
    return person;
  }

  /**
   * Asks with a cookie that was made up, and with none.
   * @throws StrangersLetIn when the answer is no refusal
   * @throws ChatUnavailable when there is none, or it is that the chat has trouble
   */
  async refusesStrangers(): Promise<void> {
    const madeUp = `${part({ alg: "HS256", typ: "JWT" })}.${part({ id: "nobody" })}.${"A".repeat(43)}`;
    for (const token of [madeUp, undefined]) {
      const { status } = await this.#ask(SESSION, token);
      if (status === 401) continue;
      const what = `the chat answers ${status} instead of 401 to a stranger at ${SESSION}`;
      throw status >= 500 ? new ChatUnavailable(what) : new StrangersLetIn(what);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(path: string, token?: string, agent: Agent | false = this.#agent): Promise<ChatAnswer> {
    const { url, timeout = 4_000 } = this.#settings;
    return new Promise((resolve, reject) => {
      const fail = (error: Error) =>
        reject(new ChatUnavailable(`the chat does not answer at ${path}: ${error.message}`));
      const asked = request(
        new URL(path, url),
        {
          agent,
          headers: {
            Accept: "application/json",
            ...(token === undefined ? {} : { Cookie: `token=${token}` }),
          },
          signal: AbortSignal.timeout(timeout),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > LARGEST) asked.destroy(new Error("the answer does not end"));
            chunks.push(chunk);
          });
          response.on("error", fail);
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, json: jsonOf(response.headers, chunks) }),
          );
        },
      );
      asked.on("error", (error: NodeJS.ErrnoException) => {
        // A connection that was kept may be closed by the chat in the moment that it is used again: that says nothing.
        if (asked.reusedSocket && error.code === "ECONNRESET")
          resolve(this.#ask(path, token, false));
        else fail(error);
      });
      asked.end();
    });
  }
}

function jsonOf(headers: { "content-type"?: string }, chunks: Buffer[]): unknown {
  if (!headers["content-type"]?.startsWith("application/json")) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

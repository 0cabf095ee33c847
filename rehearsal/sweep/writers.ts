/**
 * Two who write all the while as people and programs do: files by the workspace's tools, chats by the chat's own API, each
 * with a token of its own. What the hub acknowledged is noted, and looked for later.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { chatForm } from "../scenarios/chat-form.ts";
import { askJson, type Outputs, type Session } from "../scenarios/hub.ts";
import { connectMcp, type ToolLine, toolLine } from "../scenarios/mcp-client.ts";

export interface Write {
  kind: "file" | "chat";
  /** The file's name, or the chat's id. */
  where: string;
  token: string;
  /** When it was acknowledged, in milliseconds since 1970. */
  at: number;
}

export interface Writers {
  /** What the hub said was done, the oldest first. */
  acknowledged(): Write[];
  /** Writes no more, and waits for what is out. */
  stop(): Promise<void>;
  /** What is not there as it was acknowledged, and what is there by half, in words. @param of default: all of it */
  missing(of?: readonly Write[]): Promise<string[]>;
  /** Folder of the workspace that the files are in. */
  folder: string;
}

/** Milliseconds between two writes of one kind. */
const PAUSE = 200;
/** Milliseconds after which a write counts as not acknowledged. */
const PATIENCE = 10_000;
/** Milliseconds after which what is looked for in the end counts as not to be had. */
const LOOKING_PATIENCE = 120_000;
/** Files that are read by one call. */
const AT_ONCE = 100;

export function startWriters(to: Outputs, session: Session): Writers {
  const folder = `written-${randomUUID().slice(0, 8)}`;
  const done: Write[] = [];
  const tried = new Map<string, string>();
  const ended = new AbortController();
  const tools = new Tools(to);

  async function again(kind: Write["kind"], write: (token: string) => Promise<string>) {
    while (!ended.signal.aborted) {
      const token = randomUUID();
      try {
        const where = await write(token);
        done.push({ kind, where, token, at: Date.now() });
      } catch {
        // Not acknowledged: nobody was promised anything.
      }
      await sleep(PAUSE, undefined, { signal: ended.signal }).catch(() => {});
    }
  }
  const runs = [
    again("file", async (token) => {
      const path = `${folder}/${token}.txt`;
      tried.set(path, contentOf(token));
      await tools.call("write_code", { project: ".", path, content: contentOf(token) });
      return path;
    }),
    again("chat", (token) => inTime(newChat(to, session, token))),
  ];

  return {
    folder,
    acknowledged: () => [...done],
    async stop() {
      ended.abort();
      await Promise.all(runs);
    },
    async missing(of = done) {
      const wanted = new Set(of.filter(({ kind }) => kind === "file").map(({ where }) => where));
      const flaws: string[] = [];
      const paths = [...tried.keys()];
      for (let start = 0; start < paths.length; start += AT_ONCE) {
        const part = paths.slice(start, start + AT_ONCE);
        const found = await tools.read(part);
        for (const path of part) {
          const text = found.get(path);
          if (text === undefined && wanted.has(path)) flaws.push(`${path} is gone`);
          if (text !== undefined && text !== tried.get(path))
            flaws.push(`${path} is there by half`);
        }
      }
      const chats = of.filter(({ kind }) => kind === "chat");
      for (let start = 0; start < chats.length; start += 8) {
        const part = chats.slice(start, start + 8);
        const lost = await Promise.all(part.map((chat) => lostChat(to, session, chat)));
        flaws.push(...lost.filter((flaw) => flaw !== undefined));
      }
      return flaws;
    },
  };
}

/** Waits until so many writes were acknowledged since now. @throws Error after a minute */
export async function untilWritten(writers: Writers, count: number): Promise<void> {
  const before = writers.acknowledged().length;
  const end = Date.now() + 60_000;
  while (writers.acknowledged().length < before + count) {
    if (Date.now() > end) throw new Error("nothing that is written is acknowledged");
    await sleep(100);
  }
}

/** Long enough that half of it can be told from all of it. */
function contentOf(token: string): string {
  return `${`${token} `.repeat(20)}\nend ${token}\n`;
}

async function newChat(to: Outputs, session: Session, token: string): Promise<string> {
  const { id } = await askJson<{ id: string }>(to, "/api/v1/chats/new", {
    method: "POST",
    session,
    json: chatForm(token, { id: token, content: contentOf(token) }),
  });
  return id;
}

async function lostChat(to: Outputs, session: Session, write: Write): Promise<string | undefined> {
  const { where, token } = write;
  try {
    const { title, chat } = await askJson<{
      title: string;
      chat: { history: { messages: Record<string, { content?: string }> } };
    }>(to, `/api/v1/chats/${where}`, { session });
    const whole = chat.history.messages[token]?.content === contentOf(token);
    return title === token && whole ? undefined : `chat ${where} is there by half`;
  } catch (error) {
    return `chat ${where} cannot be read: ${(error as Error).message.slice(0, 120)}`;
  }
}

/** The workspace's tools, as the writers use them. */
class Tools {
  readonly #line: ToolLine;

  constructor(to: Outputs) {
    this.#line = toolLine(() => inTime(connectMcp(to, to.mcpToken)), PATIENCE);
  }

  /** @throws Error when the tool did not answer that it was done */
  async call(name: string, args: Record<string, unknown>, patience = PATIENCE) {
    const answer = await this.#line(name, args, patience);
    if (answer.isError) throw new Error(JSON.stringify(answer.content).slice(0, 300));
    return answer;
  }

  /** @returns the text of those that are there */
  async read(paths: string[]): Promise<Map<string, string>> {
    const { structuredContent, content } = await this.call(
      "read_many",
      { project: ".", paths },
      LOOKING_PATIENCE,
    );
    const { files } = structuredContent as { files: { path: string; error?: string }[] };
    const texts = content as { text?: string }[];
    const found = new Map<string, string>();
    files.forEach(({ path, error }, index) => {
      if (error === undefined) {
        found.set(path, (texts[index]?.text ?? "").replace(`==> ${path} <==\n`, ""));
      }
    });
    return found;
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const patience = sleep(PATIENCE, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer in ${PATIENCE} ms`);
  });
  patience.catch(() => {});
  try {
    return await Promise.race([work, patience]);
  } finally {
    work.catch(() => {});
    late.abort();
  }
}

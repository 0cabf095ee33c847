/** Asks a chat whether it is of use: who is signed in, what they wrote, which models and tools there are. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { UserError } from "../../hub/user-error.ts";
import { OpenWebui, unexpected } from "../../setup/open-webui.ts";
import type { ChatDatabase } from "../database.ts";
import { DATA } from "../place.ts";

export interface Login {
  email: string;
  password: string;
}

export interface NewestChat {
  id: string;
  title: string;
  /** Whether it is the administrator's. */
  own: boolean;
}

/** The chats that were written to last: of all, and of the administrator. */
export async function newestChats(
  database: ChatDatabase,
  email: string,
  name?: string,
): Promise<NewestChat[]> {
  const own = `user_id IN (SELECT id FROM "user" WHERE lower(email) = lower('${email.replaceAll("'", "''")}'))`;
  // Base64 by the server: a title may hold tabs and line breaks.
  const columns = `id, ${own}, encode(convert_to(coalesce(title, ''), 'UTF8'), 'base64')`;
  const newest = "ORDER BY updated_at DESC, id LIMIT 1";
  const text = await database.sql(
    `SELECT replace(line, E'\\n', '') FROM (
       (SELECT concat_ws(E'\\t', ${columns}) AS line FROM chat ${newest})
       UNION
       (SELECT concat_ws(E'\\t', ${columns}) FROM chat WHERE ${own} ${newest})
     ) AS found;`,
    name === undefined ? {} : { database: name },
  );
  return text
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [id = "", own = "", title = ""] = line.split("\t");
      return { id, own: own === "t", title: Buffer.from(title, "base64").toString() };
    });
}

/** Waits until it says that it is ready. `alive` throws when there is nothing left to wait for. */
export async function untilReady(
  address: () => Promise<string>,
  { alive, forMs }: { alive: () => Promise<void>; forMs: number },
): Promise<void> {
  const end = Date.now() + forMs;
  for (;;) {
    const chat = new OpenWebui(await address());
    const answer = await chat.ask("/ready", { timeoutMs: 5_000 }).catch(() => undefined);
    if (answer?.status === 200) return;
    await alive();
    if (Date.now() > end) throw new UserError(`It is not ready after ${forMs / 1000} s.`);
    await sleep(500);
  }
}

/**
 * @param address such as http://172.18.0.3:8080
 * @returns what was seen, in words
 * @throws UserError: what it does not do
 */
export async function checkChat(
  address: string,
  { login, newest }: { login: Login; newest: NewestChat[] },
): Promise<string[]> {
  const seen: string[] = [];
  const chat = new OpenWebui(address);
  const credential = await signIn(chat, login, seen);
  const models = z
    .object({ data: z.array(z.unknown()) })
    .safeParse(await chat.get("/api/models", { credential }));
  if (!models.success) throw new UserError("GET /api/models answers no list of models.");
  await chat.get("/api/v1/tools/", { credential });
  seen.push(`${models.data.data.length} models, tools listed`);
  await readChats(chat, credential, newest, seen);
  return seen;
}

async function readChats(
  webui: OpenWebui,
  credential: string,
  chats: NewestChat[],
  seen: string[],
): Promise<void> {
  for (const { id, title, own } of chats) {
    const path = `/api/v1/chats/${encodeURIComponent(id)}`;
    const answer = await webui.ask(path, { credential });
    // Others' chats may be closed to administrators.
    if (answer.status === 401 && !own) continue;
    const chat = z.object({ id: z.string(), title: z.string() }).safeParse(answer.json);
    if (answer.status !== 200 || chat.data?.id !== id || chat.data.title !== title) {
      throw new UserError(
        `The newest chat cannot be read. ${unexpected(path, {}, answer).message}`,
      );
    }
    seen.push("newest chat read");
    return;
  }
  seen.push(
    chats.length === 0 ? "there is no chat yet" : "no chat that the administrator may read",
  );
}

/** A password that was changed in the chat is not the hub's to know: then its API key counts. */
async function signIn(chat: OpenWebui, login: Login, seen: string[]): Promise<string> {
  const path = "/api/v1/auths/signin";
  const call = {
    method: "POST",
    body: { email: login.email, password: login.password },
  } as const;
  const answer = await chat.ask(path, call);
  const token = z.object({ token: z.string() }).safeParse(answer.json);
  if (answer.status === 200 && token.success) {
    seen.push("administrator signed in");
    return token.data.token;
  }
  const key = (await readFile(join(DATA, "hub/setup/api-key"), "utf8").catch(() => "")).trim();
  if (key !== "") {
    const byKey = await chat.ask("/api/v1/auths/admin/config", { credential: key });
    if (byKey.status === 200) {
      seen.push(`administrator let in by the hub's key (by password: ${answer.status})`);
      return key;
    }
  }
  throw new UserError(
    `The administrator cannot sign in. ${unexpected(path, call, answer).message}`,
  );
}

/** Asks a chat whether it is of use: who is signed in, what they wrote, which models and tools there are. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { UserError } from "../../hub/user-error.ts";
import type { ChatDatabase } from "../database.ts";
import { DATA } from "../place.ts";

const TIMEOUT_MS = 60_000;

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
    const { status } = await ask(await address(), "/ready", { timeout: 5_000 });
    if (status === 200) return;
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
  const credential = await signIn(address, login, seen);
  const get = async (path: string) => {
    const answer = await ask(address, path, { credential });
    if (answer.status !== 200) {
      throw new UserError(`GET ${path} answers ${answer.status || "not at all"}: ${answer.text}`);
    }
    return answer.json;
  };
  const models = z.object({ data: z.array(z.unknown()) }).safeParse(await get("/api/models"));
  if (!models.success) throw new UserError("GET /api/models answers no list of models.");
  await get("/api/v1/tools/");
  seen.push(`${models.data.data.length} models, tools listed`);
  await readChats(address, credential, newest, seen);
  return seen;
}

async function readChats(
  address: string,
  credential: string,
  chats: NewestChat[],
  seen: string[],
): Promise<void> {
  for (const { id, title, own } of chats) {
    const path = `/api/v1/chats/${encodeURIComponent(id)}`;
    const { status, json, text } = await ask(address, path, { credential });
    // Others' chats may be closed to administrators.
    if (status === 401 && !own) continue;
    const chat = z.object({ id: z.string(), title: z.string() }).safeParse(json);
    if (status !== 200 || !chat.success || chat.data.id !== id || chat.data.title !== title) {
      throw new UserError(`The newest chat cannot be read: GET ${path} answers ${status}: ${text}`);
    }
    seen.push("newest chat read");
    return;
  }
  seen.push(
    chats.length === 0 ? "there is no chat yet" : "no chat that the administrator may read",
  );
}

/** A password that was changed in the chat is not the hub's to know: then its API key counts. */
async function signIn(address: string, login: Login, seen: string[]): Promise<string> {
  const { status, json, text } = await ask(address, "/api/v1/auths/signin", {
    body: { email: login.email, password: login.password },
  });
  const token = z.object({ token: z.string() }).safeParse(json);
  if (status === 200 && token.success) {
    seen.push("administrator signed in");
    return token.data.token;
  }
  const key = (await readFile(join(DATA, "hub/setup/api-key"), "utf8").catch(() => "")).trim();
  if (key !== "") {
    const answer = await ask(address, "/api/v1/auths/admin/config", { credential: key });
    if (answer.status === 200) {
      seen.push(`administrator let in by the hub's key (by password: ${status})`);
      return key;
    }
  }
  throw new UserError(`The administrator cannot sign in: ${status || "no answer"}: ${text}`);
}

interface Answer {
  /** 0: no answer. */
  status: number;
  json: unknown;
  /** Its beginning, for an error. */
  text: string;
}

async function ask(
  address: string,
  path: string,
  options: { credential?: string; body?: unknown; timeout?: number },
): Promise<Answer> {
  try {
    const response = await fetch(`${address}${path}`, {
      method: options.body === undefined ? "GET" : "POST",
      headers: {
        Accept: "application/json",
        ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(options.credential ? { Authorization: `Bearer ${options.credential}` } : {}),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(options.timeout ?? TIMEOUT_MS),
    });
    const body = await response.text();
    let json: unknown;
    try {
      json = JSON.parse(body);
    } catch {
      // Its status and its first words say more.
    }
    return { status: response.status, json, text: body.slice(0, 200) };
  } catch (error) {
    const { cause } = error as { cause?: Error };
    return { status: 0, json: undefined, text: cause?.message ?? (error as Error).message };
  }
}

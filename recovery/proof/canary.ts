/**
 * The canary: a chat and a file that hold the same token, written through the same doors as everybody's. Who finds both in
 * a backup, with the token that was written last, knows that what people write gets there.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { text as textOf } from "node:stream/consumers";
import { z } from "zod";
import { UserError } from "../../hub/user-error.ts";
import { OpenWebui } from "../../setup/open-webui.ts";

export const CANARY_CHAT = "Hub canary";
export const CANARY_PROJECT = "hub-canary";
/** In the volume. */
export const CANARY_FILE = `workspace/${CANARY_PROJECT}/canary.txt`;

export interface CanaryPlaces {
  /** Such as http://172.18.0.5:8080. */
  openWebuiUrl: string;
  /** Holds the API key of the account whose chat it is. */
  openWebuiKeyFile: string;
  /** The MCP endpoint, such as http://172.18.0.6:8000/mcp. */
  mcpUrl: string;
  mcpToken: string;
  /** Name and port by which the MCP server lets itself be called, where the URL has its bare address. */
  mcpHost?: string;
}

/** As `point.json` has it. */
export interface Canary {
  token: string;
  /** ISO 8601. */
  time: string;
}

const ABOUT =
  "The hub's backups are checked with this: each night a new token is written to a chat and to a file, and looked for in the backup. Deleting it does no harm; it comes back.";
const TIMEOUT_MS = 60_000;

/** Writes both, each over the one before. Throws UserError when one of them cannot be written. */
export async function writeCanary(places: CanaryPlaces, now = new Date()): Promise<Canary> {
  const time = now.toISOString();
  const canary = { token: `canary-${time.slice(0, 10)}-${randomBytes(16).toString("hex")}`, time };
  await writeChat(places, canary);
  await writeFile(places, canary);
  return canary;
}

const chats = z.array(z.object({ id: z.string(), title: z.string() }));

async function writeChat(
  { openWebuiUrl, openWebuiKeyFile }: CanaryPlaces,
  canary: Canary,
): Promise<void> {
  const credential = await keyFrom(openWebuiKeyFile);
  const chat = new OpenWebui(openWebuiUrl);
  const search = `/api/v1/chats/search?text=${encodeURIComponent(CANARY_CHAT)}`;
  const found = chats.safeParse(await chat.get(search, { credential }));
  // Going on would leave a new chat each night.
  if (!found.success) throw otherApi(`did not answer GET ${search} with chats`);
  const there = found.data.find(({ title }) => title === CANARY_CHAT);
  const path = `/api/v1/chats/${there?.id ?? "new"}`;
  const answer = await chat.get(path, {
    method: "POST",
    credential,
    // Without messages an update does not bring the chat to the top of the list each night.
    body: { chat: { ...(there ? { title: CANARY_CHAT } : newChat(canary.time)), canary } },
  });
  const kept = z.object({
    id: z.string(),
    chat: z.object({ canary: z.object({ token: z.string() }) }),
  });
  if (kept.safeParse(answer).data?.chat.canary.token === canary.token) return;
  throw otherApi(`took the canary chat by POST ${path} and did not keep its token`);
}

function otherApi(did: string): UserError {
  return new UserError(
    `Open WebUI ${did}: this version of it may have another API. Update the hub.`,
  );
}

/** As Open WebUI's page makes one. */
function newChat(time: string): object {
  const id = randomUUID();
  const message = {
    id,
    parentId: null,
    childrenIds: [],
    role: "user",
    content: ABOUT,
    timestamp: Math.floor(Date.parse(time) / 1000),
    models: [],
  };
  return {
    title: CANARY_CHAT,
    models: [],
    messages: [message],
    history: { messages: { [id]: message }, currentId: id },
  };
}

async function keyFrom(file: string): Promise<string> {
  let key = "";
  try {
    key = (await readFile(file, "utf8")).trim();
  } catch {
    // Told below.
  }
  // What a header can carry; anything else would be repeated in an error.
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new UserError(
    `${file} holds no key for Open WebUI's API. The hub's set-up writes it: npm start runs it again.`,
  );
}

async function writeFile(places: CanaryPlaces, { token }: Canary): Promise<void> {
  const file = {
    project: CANARY_PROJECT,
    path: "canary.txt",
    content: `${token}\n\n${ABOUT}\n`,
    reason: "check of the backups",
  };
  const refused = await callTool(places, "write_code", file);
  if (refused === undefined) return;
  // Most likely the project is not there yet.
  const made = await callTool(places, "create_project", {
    project: CANARY_PROJECT,
    description: ABOUT,
    ai_managed: false,
  });
  const again = made ?? (await callTool(places, "write_code", file));
  if (again === undefined) return;
  throw new UserError(
    `The canary file cannot be written: ${refused.slice(0, 300)} Look at ${CANARY_FILE} on the data volume.`,
  );
}

const answered = z.object({
  result: z
    .object({
      isError: z.boolean().optional(),
      content: z.array(z.object({ text: z.string().optional() })),
    })
    .optional(),
  // The protocol's, or the listener's.
  error: z.union([z.object({ message: z.string() }), z.string()]).optional(),
});

/** What the tool said when it could not do it. Throws UserError when the server is away, or does not let in. */
async function callTool(
  places: CanaryPlaces,
  name: string,
  args: object,
): Promise<string | undefined> {
  const { status, body } = await post(places, {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name, arguments: args },
  });
  const { result, error } = answered.safeParse(body).data ?? {};
  if (result !== undefined) {
    return result.isError ? (result.content[0]?.text ?? "no reason given") : undefined;
  }
  const said = typeof error === "string" ? error : error?.message;
  const why = said ? `"${said.slice(0, 300)}"` : "with no answer of the protocol";
  throw new UserError(
    `The MCP server at ${places.mcpUrl} answered ${name} with ${status}, ${why}. Its log says more: npm run hub -- logs mcp-server`,
  );
}

/** Not by `fetch`, which does not call a server by another name than its address. */
async function post(
  { mcpUrl, mcpToken, mcpHost }: CanaryPlaces,
  message: object,
): Promise<{ status: number; body: unknown }> {
  try {
    return await new Promise((resolve, reject) => {
      const asking = request(
        mcpUrl,
        {
          method: "POST",
          agent: false,
          signal: AbortSignal.timeout(TIMEOUT_MS),
          headers: {
            ...(mcpHost !== undefined && { Host: mcpHost }),
            Authorization: `Bearer ${mcpToken}`,
            Accept: "application/json, text/event-stream",
            "Content-Type": "application/json",
          },
        },
        (response) => {
          textOf(response).then(
            (text) => resolve({ status: response.statusCode ?? 0, body: json(text) }),
            reject,
          );
        },
      );
      asking.once("error", reject);
      asking.end(JSON.stringify(message));
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(`The MCP server at ${mcpUrl} does not answer: ${code ?? message}.`);
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

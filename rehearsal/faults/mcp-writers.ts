/** Writes through the MCP server by the official client, with a named token: a new file each time, and lines into one file. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { httpsFetch, type Outputs } from "../scenarios/hub.ts";
import { contentOf } from "./attempt.ts";
import { LOG_BEGIN, LOG_END } from "./judge.ts";
import { type Lane, PATIENCE, type Said } from "./lane.ts";

export const LOG_FILE = "log.txt";

export interface McpPlace {
  to: Outputs;
  /** Named token that may read and write. */
  secret: string;
  /** Project that all of it goes to. */
  project: string;
}

/** The project and the file that all append to. */
export async function prepareProject(place: McpPlace): Promise<void> {
  const line = mcpLine(place);
  const made = await line("create_project", { project: place.project });
  const log = await line("write_code", {
    ...{ project: place.project, path: LOG_FILE },
    content: `${LOG_BEGIN}\n${LOG_END}\n`,
  });
  for (const said of [made, log]) {
    if (said.outcome !== "acknowledged") throw new Error(`The writers' project: ${said.words}`);
  }
}

export function fileLane(place: McpPlace): Lane {
  const line = mcpLine(place);
  return {
    ...{ writer: "mcp", letter: "f", every: 350 },
    target: () => ({ kind: "file" }),
    write: (token) =>
      line("write_code", {
        ...{ project: place.project, path: `${token}.txt` },
        content: contentOf(token),
      }),
  };
}

export function logLane(place: McpPlace): Lane {
  const line = mcpLine(place);
  return {
    ...{ writer: "mcp", letter: "l", every: 500 },
    target: () => ({ kind: "line" }),
    write: (token) =>
      line("edit_code", {
        ...{ project: place.project, path: LOG_FILE },
        edits: [{ old_text: LOG_END, new_text: `${token}\n${LOG_END}` }],
      }),
  };
}

/** One client, connected anew after whatever went wrong, as clients do. */
function mcpLine({ to, secret }: McpPlace): (tool: string, args: object) => Promise<Said> {
  const fetchFromHub = httpsFetch(to, PATIENCE);
  let client: Client | undefined;
  /** What the hub answered last that was no success; undefined: nothing came back. */
  let answered: string | undefined;
  const watched = async (input: string | URL, init?: RequestInit) => {
    answered = undefined;
    const answer = await fetchFromHub(input, init);
    if (!answer.ok) {
      const body = await answer.clone().text();
      answered = body.trim() === "" ? String(answer.status) : body;
    }
    return answer;
  };
  return async (tool, args) => {
    try {
      client ??= await connected(to, secret, watched);
      const result = await client.callTool(
        { name: tool, arguments: args as Record<string, unknown> },
        { timeout: PATIENCE },
      );
      if (result.isError !== true) return { outcome: "acknowledged", words: "" };
      const words = (result.content as { text?: string }[]).map(({ text }) => text ?? "").join(" ");
      return { outcome: "refused", words };
    } catch (error) {
      const gone = client;
      client = undefined;
      void gone?.close().catch(() => {});
      // An error of the protocol is an answer as well.
      const { code } = error as { code?: unknown };
      if (answered !== undefined) return { outcome: "refused", words: answered };
      const { message } = error as Error;
      return { outcome: typeof code === "number" ? "refused" : "cut-off", words: message };
    }
  };
}

async function connected(
  to: Outputs,
  secret: string,
  fetch: (input: string | URL, init?: RequestInit) => Promise<Response>,
): Promise<Client> {
  const client = new Client({ name: "faults", version: "1.0.0" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(to.mcpUrl), {
      fetch,
      requestInit: { headers: { Authorization: `Bearer ${secret}` } },
    }),
  );
  return client;
}

/** Writes through the MCP server by the official client, with a named token: a new file each time, and lines into one file. */
import { httpsFetch, type Outputs } from "../scenarios/hub.ts";
import { connectMcp, toolLine } from "../scenarios/mcp-client.ts";
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

/** Calls tools by one client, and says how each call ended for who made it. */
function mcpLine({
  to,
  secret,
}: McpPlace): (tool: string, args: Record<string, unknown>) => Promise<Said> {
  const fetchFromHub = httpsFetch(to, PATIENCE);
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
  const line = toolLine(() => connectMcp(to, secret, watched), PATIENCE);
  return async (tool, args) => {
    try {
      const result = await line(tool, args);
      if (result.isError !== true) return { outcome: "acknowledged", words: "" };
      const words = (result.content as { text?: string }[]).map(({ text }) => text ?? "").join(" ");
      return { outcome: "refused", words };
    } catch (error) {
      // An error of the protocol is an answer as well.
      const { code } = error as { code?: unknown };
      if (answered !== undefined) return { outcome: "refused", words: answered };
      const { message } = error as Error;
      return { outcome: typeof code === "number" ? "refused" : "cut-off", words: message };
    }
  };
}

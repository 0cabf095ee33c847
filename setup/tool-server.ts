/** The MCP server's entry among Open WebUI's tool servers. */
import { isDeepStrictEqual } from "node:util";
import type { OpenWebui } from "./open-webui.ts";

interface Connection {
  type?: string;
  info?: { id?: string; name?: string; description?: string } | null;
  [key: string]: unknown;
}

export interface ToolServer {
  url: string;
  token: string;
  /** Whether models may use it for every member of the chat. */
  forMembers: boolean;
}

const PATH = "/api/v1/configs/tool_servers";
const ID = "hub";

/** How models and people find it: `server:mcp:<id>`; its functions reach a model as `hub_<tool>`. */
export const TOOL_SERVER = `server:mcp:${ID}`;

function entry({ url, token, forMembers }: ToolServer): Connection {
  return {
    type: "mcp",
    url,
    path: "",
    auth_type: "bearer",
    key: token,
    // Who is behind a call, for the server's history and audit: it takes no rights from them.
    headers: {
      "X-OpenWebUI-User-Email": "{{USER_EMAIL}}",
      "X-OpenWebUI-Chat-Id": "{{CHAT_ID}}",
      "X-OpenWebUI-Message-Id": "{{MESSAGE_ID}}",
    },
    config: {
      enable: true,
      function_name_filter_list: "",
      // Without a grant they are for administrators alone.
      access_grants: forMembers
        ? [{ principal_type: "user", principal_id: "*", permission: "read" }]
        : [],
    },
    info: {
      id: ID,
      name: "Workspace",
      description: "Projects of the hub's workspace: read, write, search, history and undo",
    },
  };
}

/** Registers it or brings its entry up to date. Other entries are left as they are. */
export async function registerToolServer(
  webui: OpenWebui,
  credential: string,
  mcp: ToolServer,
  changed: string[],
): Promise<void> {
  const answer = await webui.get<{ TOOL_SERVER_CONNECTIONS: Connection[] | null }>(PATH, {
    credential,
  });
  const now = answer.TOOL_SERVER_CONNECTIONS ?? [];
  const isOwn = (one: Connection) => one.type === "mcp" && one.info?.id === ID;
  const own = now.findIndex(isOwn);
  const wanted = { ...now[own], ...entry(mcp) };
  const all =
    own < 0
      ? [...now, wanted]
      : now.flatMap((one, index) => (index === own ? [wanted] : isOwn(one) ? [] : [one]));
  if (isDeepStrictEqual(now, all)) return;
  await webui.get(PATH, { method: "POST", credential, body: { TOOL_SERVER_CONNECTIONS: all } });
  changed.push(`tool server ${ID}`);
}

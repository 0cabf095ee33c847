/** What the server is told by its arguments and its environment. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ServerSettings } from "./http.ts";

export const help = `Workspace file tools for AI models over MCP (Streamable HTTP).

Usage: mcp-server [options]

  --workspace DIR        folder the tools work in             WORKSPACE
  --port N               port to listen on (8000; 0: any)     PORT
  --host ADDRESS         address to listen on (127.0.0.1)     HOST
  --token TOKEN          bearer token every call must carry   MCP_TOKEN, MCP_TOKEN_FILE
  --allowed-hosts NAMES  names the server is called by,       ALLOWED_HOSTS
                         comma-separated; loopback always is
  --help

The name on the right is the environment variable read when the option is missing.
Calls go to POST /mcp; GET /health answers without a token.
`;

/** Returns "help" when that is all that is asked for. Throws Error with a message for people. */
export function parseCommandLine(args: string[], env: NodeJS.ProcessEnv): ServerSettings | "help" {
  const { values } = parseArgs({
    args,
    options: {
      workspace: { type: "string" },
      port: { type: "string" },
      host: { type: "string" },
      token: { type: "string" },
      "allowed-hosts": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const workspace = values.workspace ?? env.WORKSPACE;
  if (!workspace)
    throw new Error("No workspace given. Name the folder: --workspace DIR or WORKSPACE.");
  const port = values.port ?? env.PORT ?? "8000";
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535)
    throw new Error(`"${port}" is no port: give 0 to 65535.`);
  return {
    workspace,
    port: Number(port),
    host: values.host ?? env.HOST ?? "127.0.0.1",
    token: values.token ?? env.MCP_TOKEN ?? tokenFrom(env.MCP_TOKEN_FILE),
    allowedHosts: (values["allowed-hosts"] ?? env.ALLOWED_HOSTS ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
  };
}

function tokenFrom(file: string | undefined): string {
  if (!file) throw new Error("No token given: --token TOKEN, MCP_TOKEN or MCP_TOKEN_FILE.");
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Error(`The token file ${file} cannot be read: ${(error as Error).message}`);
  }
}

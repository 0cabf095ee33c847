/** The canary, through the doors of this hub. */
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import type { OpenHub } from "../open-hub.ts";
import { DATA } from "../place.ts";
import { addressOf } from "../services.ts";
import { type Canary, writeCanary } from "./canary.ts";

/** @throws UserError when the chat or the MCP server does not take it */
export async function leaveCanary({ secrets }: OpenHub): Promise<Canary> {
  const [chat, tools] = await Promise.all([addressOf("open-webui"), addressOf("mcp-server")]);
  if (!chat || !tools) {
    throw new UserError(
      `${chat ? "The MCP server" : "The chat"} does not run.\n  fix: npm run hub -- status shows why`,
    );
  }
  return writeCanary({
    openWebuiUrl: `http://${chat}:8080`,
    openWebuiKeyFile: join(DATA, "hub/server-key/api-key"),
    mcpUrl: `http://${tools}:8000/mcp`,
    mcpToken: secrets.mcpToken,
    mcpHost: "mcp-server:8000",
  });
}

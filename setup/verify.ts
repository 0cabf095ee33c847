/** Checks, on the running Open WebUI, what the hub's doors and tools rest on. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../hub/user-error.ts";
import { type OpenWebui, unexpected } from "./open-webui.ts";
import { TOOL_SERVER } from "./tool-server.ts";

/** Names of the MCP server's tools, asked for by Open WebUI itself. Throws UserError when it gets none. */
export async function listTools(
  webui: OpenWebui,
  credential: string,
  forMs: number,
): Promise<string[]> {
  const path = `/api/v1/tools/id/${TOOL_SERVER}/specs`;
  const end = Date.now() + forMs;
  for (;;) {
    const answer = await webui.ask(path, { credential });
    const { specs } = (answer.json ?? {}) as { specs?: { name: string }[] };
    if (answer.status === 200 && specs && specs.length > 0) return specs.map(({ name }) => name);
    if (Date.now() > end) {
      throw new UserError(
        `Open WebUI gets no tools from the MCP server: ${unexpected(path, {}, answer).message} Is it running and is its token the one of the hub? npm run hub -- logs mcp-server`,
      );
    }
    await sleep(Math.min(1000, forMs / 5));
  }
}

/** Nobody may make an account of their own. */
export async function verifyNoSignup(webui: OpenWebui): Promise<void> {
  const path = "/api/config";
  const config = await webui.get<{ onboarding?: boolean; features?: { enable_signup?: boolean } }>(
    path,
  );
  if (config.onboarding || config.features?.enable_signup !== false) {
    throw new UserError(
      "Open WebUI still offers sign-up to everybody. Its administrator account or the setting ui.enable_signup is missing: npm run hub -- logs open-webui",
    );
  }
}

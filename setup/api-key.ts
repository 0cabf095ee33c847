/** The key by which the hub's own jobs use Open WebUI. */
import { UserError } from "../hub/user-error.ts";
import { isAdmin } from "./admin.ts";
import { type OpenWebui, unexpected } from "./open-webui.ts";
import type { State } from "./state.ts";

const PATH = "/api/v1/auths/api_key";

/**
 * Keeps the remembered key while it works. Otherwise takes the one the administrator has, since a user has only
 * one and a new one would end it; makes one when there is none. Returns it.
 */
export async function keepApiKey(
  webui: OpenWebui,
  state: State,
  credential: string,
  changed: string[],
): Promise<string> {
  const remembered = await state.read("api-key");
  if (remembered !== undefined && (await isAdmin(webui, remembered))) return remembered;
  const existing = await webui.ask(PATH, { credential });
  const call = { method: "POST" as const, credential };
  const answer =
    existing.status === 200 && keyOf(existing.json) ? existing : await webui.ask(PATH, call);
  const key = keyOf(answer.json);
  if (answer.status !== 200 || key === undefined) throw unexpected(PATH, call, answer);
  if (!(await isAdmin(webui, key))) {
    throw new UserError(
      "Open WebUI gave an API key and refuses it: are API keys switched off (ENABLE_API_KEYS)?",
    );
  }
  await state.write("api-key", key);
  changed.push("API key");
  return key;
}

function keyOf(json: unknown): string | undefined {
  const key = (json as { api_key?: unknown } | undefined)?.api_key;
  return typeof key === "string" && key !== "" ? key : undefined;
}

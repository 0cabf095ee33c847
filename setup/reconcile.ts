/** Makes a running Open WebUI what the settings say; changes only what differs. */
import { openAdmin } from "./admin.ts";
import { keepApiKey } from "./api-key.ts";
import type { SetupSettings } from "./environment.ts";
import { modelSettings } from "./model-connection.ts";
import { OpenWebui } from "./open-webui.ts";
import { applySettings, hubSettings, readSettings } from "./settings.ts";
import { State } from "./state.ts";
import { registerToolServer } from "./tool-server.ts";
import { listTools, verifyNoSignup } from "./verify.ts";

export interface SetupResult {
  /** What was changed, in words; empty when all was as it should be. */
  changed: string[];
  /** Tools that Open WebUI gets from the MCP server. */
  tools: string[];
}

export interface Patience {
  /** How long Open WebUI may take to start; default 5 min. */
  readyMs?: number;
  /** How long the MCP server may take to answer; default 1 min. */
  toolsMs?: number;
}

/** Throws UserError when something is not as it must be and cannot be made so. */
export async function reconcile(
  settings: SetupSettings,
  { readyMs = 300_000, toolsMs = 60_000 }: Patience = {},
): Promise<SetupResult> {
  const changed: string[] = [];
  const webui = new OpenWebui(settings.openWebuiUrl);
  const state = new State(settings.stateDir);
  await webui.untilReady(readyMs);

  const wanted = { email: settings.adminEmail, password: settings.adminPassword };
  const credential = await openAdmin(webui, state, wanted, changed);
  await applySettings(webui, credential, hubSettings(settings.publicUrl), changed);
  await connectModel(webui, credential, state, settings.model, changed);
  const apiKey = await keepApiKey(webui, state, credential, changed);
  await handOutKey(settings.serverKeyDir, apiKey, "hub's server", changed);
  await handOutKey(
    settings.chatKeyDir,
    settings.chatServerTools ? apiKey : undefined,
    "MCP server",
    changed,
  );
  await registerToolServer(
    webui,
    credential,
    { url: settings.mcpUrl, token: settings.mcpToken, forMembers: settings.toolsForMembers },
    changed,
  );

  await verifyNoSignup(webui);
  return { changed, tools: await listTools(webui, credential, toolsMs) };
}

/** Leaves the chat server's key in a service's folder, or takes it out where the service is to have none. */
async function handOutKey(
  folder: string,
  key: string | undefined,
  service: string,
  changed: string[],
): Promise<void> {
  const handedOut = new State(folder);
  if ((await handedOut.read("api-key")) === key) return;
  // The folder's group is the service's.
  if (key !== undefined) await handedOut.write("api-key", key, 0o640);
  else await handedOut.forget("api-key");
  changed.push(`chat server's key for the ${service}`);
}

async function connectModel(
  webui: OpenWebui,
  credential: string,
  state: State,
  model: SetupSettings["model"],
  changed: string[],
): Promise<void> {
  const before = await state.read("model-api-url");
  const now = await readSettings(webui, credential);
  await applySettings(webui, credential, modelSettings(now, model, before), changed);
  if (model) await state.write("model-api-url", model.url);
  else await state.forget("model-api-url");
}

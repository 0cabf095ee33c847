/** Settings of Open WebUI that the hub decides. Its database outlives its environment, so they are set by the API. */
import { isDeepStrictEqual } from "node:util";
import type { OpenWebui } from "./open-webui.ts";

export type Settings = Record<string, unknown>;

/** What holds on every hub, whatever is clicked in the administration pages. */
export function hubSettings(publicUrl: string): Settings {
  return {
    "webui.url": publicUrl,
    "ui.enable_signup": false,
    "ui.default_user_role": "pending",
    "auth.enable_api_keys": true,
    "ui.enable_community_sharing": false,
  };
}

export async function readSettings(webui: OpenWebui, credential: string): Promise<Settings> {
  return webui.get<Settings>("/api/v1/configs/export", { credential });
}

/** Sets those of `wanted` that differ; all others stay as they are. */
export async function applySettings(
  webui: OpenWebui,
  credential: string,
  wanted: Settings,
  changed: string[],
): Promise<void> {
  const now = await readSettings(webui, credential);
  const different = Object.keys(wanted).filter((key) => !isDeepStrictEqual(now[key], wanted[key]));
  if (different.length === 0) return;
  await webui.get("/api/v1/configs/import", {
    method: "POST",
    credential,
    body: { config: Object.fromEntries(different.map((key) => [key, wanted[key]])) },
  });
  changed.push(...different.map((key) => `setting ${key}`));
}

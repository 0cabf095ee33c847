/** The connection to the model API of the hub's settings, beside those made in the administration pages. */
import type { Settings } from "./settings.ts";

interface Connection {
  url: string;
  key: string;
  config: unknown;
}

const KEYS = {
  enable: "openai.enable",
  urls: "openai.api_base_urls",
  keys: "openai.api_keys",
  configs: "openai.api_configs",
} as const;

/**
 * Settings with the hub's connection in them and no other changed. `before` is the URL the hub connected last: its
 * connection is replaced, or removed when there is no `model` any more.
 */
export function modelSettings(
  now: Settings,
  model: { url: string; key: string } | undefined,
  before: string | undefined,
): Settings {
  if (model === undefined && before === undefined) return {};
  const connections = connectionsOf(now);
  const own = connections.findIndex(
    ({ url }) => url === (before ?? model?.url) || url === model?.url,
  );
  const others = connections.filter(
    // Open WebUI starts with a connection to nowhere: a public address and no key.
    ({ url, key }, index) => index !== own && !(key === "" && url === "https://api.openai.com/v1"),
  );
  const place = own < 0 ? others.length : Math.min(own, others.length);
  const mine: Connection[] = model
    ? [{ url: model.url, key: model.key, config: connections[own]?.config ?? { enable: true } }]
    : [];
  const all = [...others.slice(0, place), ...mine, ...others.slice(place)];
  return {
    [KEYS.enable]: all.length > 0,
    [KEYS.urls]: all.map(({ url }) => url),
    [KEYS.keys]: all.map(({ key }) => key),
    [KEYS.configs]: Object.fromEntries(
      all.flatMap(({ config }, index) => (config === undefined ? [] : [[String(index), config]])),
    ),
  };
}

/** Open WebUI keeps a connection's parts in three settings, joined by position; older ones joined configs by URL. */
function connectionsOf(now: Settings): Connection[] {
  const urls = (now[KEYS.urls] ?? []) as string[];
  const keys = (now[KEYS.keys] ?? []) as string[];
  const configs = (now[KEYS.configs] ?? {}) as Record<string, unknown>;
  return urls.map((url, index) => ({
    url,
    key: keys[index] ?? "",
    config: configs[String(index)] ?? configs[url],
  }));
}

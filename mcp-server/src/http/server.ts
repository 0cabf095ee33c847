/** The whole server on HTTP, from its settings. */
import { createServer as createHttpServer } from "node:http";
import { hostHeaderValidation } from "@modelcontextprotocol/node";
import { type Scope, scopes } from "../access/caller.ts";
import { tokenFileOf } from "../access/state-place.ts";
import { TokenStore } from "../access/tokens.ts";
import { type DepsSettings, openDeps } from "../protocol/open-deps.ts";
import { createSdkServer, type Extension, serverIdentity } from "../protocol/sdk-server.ts";
import { Subscriptions } from "../protocol/subscriptions.ts";
import { isLoopback, namesOf, spelled } from "./host-name.ts";
import { listenOn } from "./listen-on.ts";
import { type ListenerSettings, listen } from "./listener.ts";
import { type PrometheusMetrics, prometheusMetrics, uncounted } from "./metrics.ts";

export interface ServerSettings extends DepsSettings, ListenerSettings {
  /** One token besides those of the file; at least 16 characters where others reach the server. */
  token?: string;
  /** What history and audit call it. Default "hub". */
  tokenName?: string;
  /** Default all. */
  tokenScopes?: readonly Scope[];
  /** Named tokens; default `tokens.json` in the state folder. */
  tokensFile?: string;
  /** Port of /metrics on the same host; missing: none, 0: a free one. */
  metricsPort?: number;
  /** More than the product does, for the conformance suite. */
  extension?: Extension;
}

export interface RunningServer {
  /** The MCP endpoint. */
  url: string;
  port: number;
  metricsUrl?: string;
  /** Takes no new calls, lets running ones end for up to `graceMs` (default 10 s), then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** Throws an Error for people when the workspace, a token or a port cannot be used. */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  const { extension } = settings;
  const tokens = tokensOf(settings);
  const metrics = settings.metricsPort === undefined ? undefined : await prometheusMetrics();
  const { deps, close } = await openDeps(settings, metrics ?? uncounted, extension?.tools);
  const subscriptions = new Subscriptions(deps.workspace);
  extension?.announceTo(subscriptions);
  const closers = [async () => subscriptions.close(), close];
  try {
    const page = metrics && (await metricsPage(metrics, settings));
    if (page) closers.unshift(page.close);
    const listener = await listen(
      {
        deps,
        tokens,
        subscriptions,
        identity: serverIdentity,
        factory: (caller, era) => createSdkServer(deps, caller, era, extension),
      },
      settings,
    );
    return {
      url: listener.url,
      port: listener.port,
      ...(page && { metricsUrl: page.url }),
      async close(graceMs = 10_000) {
        await listener.close(graceMs);
        for (const closer of closers) await closer();
      },
    };
  } catch (error) {
    for (const closer of closers) await closer();
    throw error;
  }
}

/** Who may come in. Throws an Error for people when nobody could. */
function tokensOf(settings: ServerSettings): TokenStore {
  const { token, tokenName, host } = settings;
  if (token === "") throw new Error("The token is empty. Make one: openssl rand -hex 32");
  // On loopback nobody else can guess at it.
  if (token !== undefined && token.length < 16 && !isLoopback(host)) {
    throw new Error(
      "The token is shorter than 16 characters, and others can reach this address. Make one: openssl rand -hex 32",
    );
  }
  if (token !== undefined && /\s/.test(token)) {
    throw new Error("The token has white space in it, which no client can send.");
  }
  const store = new TokenStore(
    tokenFileOf(settings),
    token === undefined
      ? undefined
      : {
          secret: token,
          scopes: settings.tokenScopes ?? scopes,
          ...(tokenName && { name: tokenName }),
        },
  );
  if (store.empty && !settings.anonymous) {
    throw new Error(
      `No token given: --token TOKEN, MCP_TOKEN or MCP_TOKEN_FILE, or make one that is kept: aihub-mcp token create NAME --workspace ${settings.workspace}`,
    );
  }
  return store;
}

async function metricsPage(
  metrics: PrometheusMetrics,
  { host, metricsPort = 0, allowedHosts }: ServerSettings,
): Promise<{ url: string; close: () => Promise<void> }> {
  const isKnownHost = hostHeaderValidation(namesOf(allowedHosts));
  const http = createHttpServer(async (request, response) => {
    if (!isKnownHost(request, response)) return;
    if (request.url !== "/metrics") {
      response.writeHead(404).end("Not found. The metrics are at /metrics.\n");
      return;
    }
    response.writeHead(200, { "Content-Type": metrics.contentType });
    response.end(await metrics.text());
  });
  const port = await listenOn(http, host, metricsPort);
  return {
    url: `http://${spelled(host)}:${port}/metrics`,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      metrics.close();
    },
  };
}

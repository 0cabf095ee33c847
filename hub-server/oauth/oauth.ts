/** OAuth 2.1 for MCP clients that speak nothing else: who may answer at which path, and what the library gets to see. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { errors } from "oidc-provider";
import { parseBody, readBody } from "../../mcp-server/src/http/body.ts";
import type { HubServerSettings } from "../environment.ts";
import type { Section } from "../section.ts";
import { authorizationQuery } from "./authorization-query.ts";
import { GrantedTokens, grantableScopes } from "./granted-tokens.ts";
import { Interactions } from "./interaction.ts";
import { cookieNames, createProvider, resourceOf } from "./provider.ts";
import { publicFetch } from "./public-fetch.ts";
import { registrationOf } from "./registration.ts";
import { type Bounds, OAuthStore } from "./store.ts";

export interface OAuthSettings
  extends Pick<HubServerSettings, "publicUrl" | "tokensFile" | "state"> {
  bounds?: Bounds;
  /** Fetches what a stranger named. Default: from the internet alone. */
  fetchDocument?: (url: string | URL, init?: RequestInit) => Promise<Response>;
}

/** Bytes of a request. */
const LARGEST = 64 * 1024;
/** Milliseconds between two looks for what has expired. */
const PURGE_EVERY = 10 * 60_000;

/** What the library answers, by path; each with its parameters in one segment at most. */
const library: readonly [path: RegExp, methods: readonly string[]][] = [
  [/^\/oauth\/authorize$/, ["GET"]],
  [/^\/oauth\/authorize\/[\w-]+$/, ["GET"]],
  [/^\/oauth\/(token|revoke)$/, ["POST", "OPTIONS"]],
  [/^\/oauth\/register$/, ["POST"]],
  [/^\/oauth\/jwks$/, ["GET", "OPTIONS"]],
  [/^\/\.well-known\/(oauth-authorization-server|openid-configuration)$/, ["GET", "OPTIONS"]],
];
const resourceMetadata = /^\/\.well-known\/oauth-protected-resource(\/mcp)?$/;
const interaction = /^\/oauth\/interaction\/([\w-]+)$/;

export function oauthSections(settings: OAuthSettings): Section[] {
  const { publicUrl, tokensFile, state, bounds, fetchDocument = publicFetch } = settings;
  const tokens = new GrantedTokens(tokensFile);
  const store = new OAuthStore(state, (name) => tokens.revoke(name), bounds);
  const provider = createProvider({ publicUrl, store, tokens, fetchDocument });
  const interactions = new Interactions({ provider, store, publicUrl });
  const answer = provider.callback();
  const outside = new URL(publicUrl);
  const purging = setInterval(() => {
    try {
      store.purge(true);
    } catch (error) {
      process.stderr.write(`oauth: ${(error as Error).message}\n`);
    }
  }, PURGE_EVERY).unref();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "", ...query] = (request.url ?? "/").split("?");
    if (resourceMetadata.test(path)) return describeResource(request, response, publicUrl);
    const [, uid] = interaction.exec(path) ?? [];
    if (uid !== undefined) return interactions.handle(request, response, uid);
    const methods = library.find(([pattern]) => pattern.test(path))?.[1];
    if (!methods) return json(response, 404, { error: "not_found" });
    if (!methods.includes(request.method ?? "")) {
      response.setHeader("Allow", methods.join(", "));
      return json(response, 405, { error: "invalid_request" });
    }
    // The addresses that it names are the hub's, whatever name it was asked under.
    request.headers["x-forwarded-proto"] = outside.protocol.slice(0, -1);
    request.headers["x-forwarded-host"] = outside.host;
    // What the library remembers of a browser says nothing about who sits there now.
    request.headers.cookie = withoutSession(request.headers.cookie);
    if (path === "/oauth/register") return register(request, response);
    if (path === "/oauth/authorize")
      request.url = `${path}?${authorizationQuery(new URLSearchParams(query.join("?")))}`;
    await answer(request, response);
  }

  async function register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, LARGEST);
    let wanted: Buffer;
    try {
      if (typeof body === "string")
        throw new errors.InvalidClientMetadata("the request is not whole");
      wanted = Buffer.from(JSON.stringify(registrationOf(parseBody(body)?.value)));
    } catch (error) {
      if (!(error instanceof errors.InvalidClientMetadata)) throw error;
      const { error: code, error_description } = error;
      return json(response, 400, { error: code, error_description });
    }
    await answer(withBody(request, wanted), response);
  }

  return [
    {
      prefix: "/oauth/",
      handle,
      close() {
        clearInterval(purging);
        store.close();
      },
    },
    { prefix: "/.well-known/", handle },
  ];
}

/** RFC 9728: what a client without a token reads to learn where it gets one. */
function describeResource(
  { method = "" }: IncomingMessage,
  response: ServerResponse,
  publicUrl: string,
): void {
  // Public, for pages of any origin.
  response.setHeader("Access-Control-Allow-Origin", "*");
  if (method === "OPTIONS") {
    response.writeHead(204, {
      "Access-Control-Allow-Methods": "GET",
      "Access-Control-Allow-Headers": "*",
    });
    response.end();
    return;
  }
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD, OPTIONS");
    json(response, 405, { error: "invalid_request" });
    return;
  }
  json(response, 200, {
    resource: resourceOf(publicUrl),
    resource_name: "AI Hub",
    authorization_servers: [publicUrl],
    scopes_supported: grantableScopes,
    bearer_methods_supported: ["header"],
  });
}

function withoutSession(cookies = ""): string {
  const session = new RegExp(`^${cookieNames.session}(\\.sig)?$`);
  return cookies
    .split(";")
    .filter((cookie) => !session.test(cookie.split("=")[0]?.trim() ?? ""))
    .join(";");
}

/** The request with another body. */
function withBody(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { method, url, headers, socket } = request;
  return Object.assign(Readable.from([body]), {
    method,
    url,
    headers: { ...headers, "content-type": "application/json", "content-length": `${body.length}` },
    socket,
  }) as unknown as IncomingMessage;
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(value));
}

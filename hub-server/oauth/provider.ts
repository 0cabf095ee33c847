/** The library, set up as OAuth 2.1 for MCP clients and nothing more. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { EventEmitter } from "node:events";
import { type Configuration, errors, interactionPolicy, Provider } from "oidc-provider";
import { adapterFor } from "./adapter.ts";
import { type GrantedTokens, grantableScopes } from "./granted-tokens.ts";
import { messagePage, pageHeaders } from "./pages.ts";
import { grantTypes, publicClient } from "./registration.ts";
import type { OAuthStore } from "./store.ts";

export interface ProviderParts {
  /** Address of the hub, outside. */
  publicUrl: string;
  store: OAuthStore;
  tokens: GrantedTokens;
  /** Fetches what a stranger named. */
  fetchDocument: (url: string | URL, init?: RequestInit) => Promise<Response>;
}

const minute = 60;
const day = 24 * 60 * minute;

/** Seconds that each kind stays. */
const lifetimes = {
  AccessToken: 60 * minute,
  AuthorizationCode: minute,
  /** After it the person is asked again. */
  Grant: 90 * day,
  /** Of a program that does not come back. */
  RefreshToken: 30 * day,
  /** A sign-in, perhaps with a second factor, lies in it. */
  Interaction: 30 * minute,
  Session: minute,
  IdToken: minute,
};

export const cookieNames = {
  session: "__Secure-hub-oauth-session",
  interaction: "__Secure-hub-oauth-interaction",
  resume: "__Secure-hub-oauth-resume",
} as const;

/** What tokens are for. */
export function resourceOf(publicUrl: string): string {
  return `${publicUrl}/mcp`;
}

export function createProvider({
  publicUrl,
  store,
  tokens,
  fetchDocument,
}: ProviderParts): Provider {
  const resource = resourceOf(publicUrl);
  const cookie = { httpOnly: true, sameSite: "lax", secure: true, signed: true } as const;
  const configuration: Configuration = {
    adapter: adapterFor(store, tokens),
    routes: {
      authorization: "/oauth/authorize",
      token: "/oauth/token",
      registration: "/oauth/register",
      revocation: "/oauth/revoke",
      jwks: "/oauth/jwks",
    },
    cookies: {
      names: cookieNames,
      keys: [store.key("cookies", () => randomBytes(32).toString("base64url"))],
      long: cookie,
      short: cookie,
    },
    jwks: { keys: [JSON.parse(store.key("signing", signingKey))] },
    enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
    scopes: [...grantableScopes],
    clientAuthMethods: ["none"],
    responseTypes: ["code"],
    clientDefaults: {
      ...publicClient,
      grant_types: [...grantTypes],
      response_types: ["code"],
      id_token_signed_response_alg: "ES256",
    },
    // The one place that sees registered programs and those that show a document alike.
    extraClientMetadata: {
      properties: ["software_id"],
      validator(_ctx, _name, _value, metadata) {
        metadata.application_type = publicClient.application_type;
      },
    },
    pkce: { required: () => true },
    ttl: lifetimes,
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, asked) {
          if (asked !== resource) throw new errors.InvalidTarget();
          return {
            scope: grantableScopes.join(" "),
            audience: resource,
            accessTokenFormat: "opaque",
            accessTokenTTL: lifetimes.AccessToken,
          };
        },
      },
    },
    fetch: (url, init) => fetchDocument(url as string | URL, init as RequestInit),
    interactions: {
      policy: alwaysAsk(),
      url: (_ctx, { uid }) => `/oauth/interaction/${uid}`,
    },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    // A grant is one person's word on one request, not something that a session brings along.
    async loadExistingGrant(ctx) {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    revokeGrantPolicy: () => true,
    clientBasedCORS: (_ctx, origin, client) =>
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
    renderError(ctx, { error, error_description }) {
      ctx.type = "html";
      for (const [name, value] of Object.entries(pageHeaders)) ctx.set(name, value);
      ctx.body = messagePage(
        "This did not work",
        `${error_description ?? "The request cannot be answered."} (${error}). Go back to the program that sent you here and start again.`,
      );
    },
  };
  const provider = new Provider(publicUrl, configuration);
  // nginx alone speaks to it, and says https.
  provider.proxy = true;
  provider.on("server_error", (ctx, error) => {
    process.stderr.write(`${ctx.method} ${ctx.path}: ${error.stack}\n`);
  });
  const app: EventEmitter = provider;
  app.on("error", (error: Error) => {
    process.stderr.write(`oauth: ${error.message}\n`);
  });
  return provider;
}

/** One question for all, also for those who have answered before: who it is, and what they allow. */
function alwaysAsk(): interactionPolicy.Prompt[] {
  const { Check, Prompt } = interactionPolicy;
  return [
    new Prompt(
      { name: "consent", requestable: true },
      new Check("always", "somebody has to say so", "consent_required", (ctx) => {
        const { login, consent } = ctx.oidc.result ?? {};
        return !login || !consent || login.accountId !== ctx.oidc.session?.accountId;
      }),
    ),
  ];
}

function signingKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return JSON.stringify({ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" });
}

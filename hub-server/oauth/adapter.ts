/** Where the library keeps what it makes: all in the store, access tokens in the MCP server's token file as well. */
import type { Adapter, AdapterPayload } from "oidc-provider";
import { errors } from "oidc-provider";
import { type GrantedTokens, tokenName } from "./granted-tokens.ts";
import type { OAuthStore, Payload } from "./store.ts";

export function adapterFor(store: OAuthStore, tokens: GrantedTokens): (model: string) => Adapter {
  const alive = (grantId: string): boolean => {
    const token = store.grant(grantId)?.token;
    if (token === undefined || tokens.has(token)) return true;
    store.forgetGrant(grantId);
    return false;
  };
  return (model) => ({
    async upsert(id, payload, expiresIn) {
      // Some kinds say "never" by not saying a number.
      const seconds = typeof expiresIn === "number" && expiresIn > 0 ? expiresIn : undefined;
      if (model === "AccessToken") issue(store, tokens, id, payload, seconds);
      store.upsert(model, id, payload as Payload, seconds);
    },
    async find(id) {
      // A grant lives as long as its token does, which the person may have revoked at the hub's home page.
      if (model === "Grant" && !alive(id)) return undefined;
      return store.find(model, id) as AdapterPayload | undefined;
    },
    // Sessions are not kept from one request to the next, and there are no devices' codes.
    async findByUid() {
      return undefined;
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      store.consume(model, id);
    },
    async destroy(id) {
      if (model === "Grant") store.forgetGrant(id);
      else store.destroy(model, id);
    },
    async revokeByGrantId(grantId) {
      store.revokeByGrant(model, grantId);
    },
  });
}

function issue(
  store: OAuthStore,
  tokens: GrantedTokens,
  secret: string,
  { grantId, clientId, scope }: AdapterPayload,
  lifetime: number | undefined,
): void {
  const grant = grantId === undefined ? undefined : store.grant(grantId);
  if (!grant || grantId === undefined || clientId === undefined || lifetime === undefined)
    throw new errors.InvalidGrant("nobody has given this grant");
  const name = grant.token ?? tokenName(grant.client, grantId);
  // Put down first: after a crash in between the grant is over, and no token is left that nobody knows of.
  store.nameToken(grantId, clientId, name);
  tokens.issue({ name, secret, scopes: scope?.split(" ") ?? [], lifetime }, grant);
}

/** The tokens of programs that a person let in: each grant's access token is one named token of the MCP server. */
import { hash } from "node:crypto";
import { errors } from "oidc-provider";
import { type Scope, scopes } from "../../mcp-server/src/access/caller.ts";
import { createToken, readTokens, revokeToken } from "../../mcp-server/src/access/tokens.ts";
import type { GrantRecord } from "./store.ts";

export interface IssuedToken {
  name: string;
  secret: string;
  scopes: readonly string[];
  /** Seconds. */
  lifetime: number;
}

export class GrantedTokens {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Puts an access token into the token file, in place of the one that the grant had.
   * @throws InvalidGrant when the one before was revoked by hand
   */
  issue(issued: IssuedToken, grant: GrantRecord): void {
    if (grant.token !== undefined && !this.revoke(grant.token))
      throw new errors.InvalidGrant("the token was revoked");
    createToken(this.#file, {
      name: issued.name,
      secret: issued.secret,
      scopes: scopes.filter((scope) => issued.scopes.includes(scope) && grantable.has(scope)),
      projects: "all",
      lifetime: issued.lifetime * 1000,
      owner: grant.owner,
      client: grant.client,
    });
  }

  /** Whether it is still in the file, expired or not: who revoked it by hand meant the whole grant. */
  has(name: string): boolean {
    return readTokens(this.#file).some((token) => token.name === name);
  }

  /** Whether there was one to revoke. */
  revoke(name: string): boolean {
    try {
      revokeToken(this.#file, name);
      return true;
    } catch (error) {
      // Told apart by looking: a file that cannot be changed is a failure, one without the token is not.
      if (this.has(name)) throw error;
      return false;
    }
  }
}

/** What a program can be given; changing the chat server itself is for tokens that an administrator makes. */
export const grantableScopes = ["read", "write", "delete"] as const satisfies readonly Scope[];
const grantable: ReadonlySet<string> = new Set(grantableScopes);

/** At most 49 characters of those that a token's name may have. */
export function tokenName(client: string, grantId: string): string {
  const slug = client
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 32)
    .replace(/-+$/, "");
  return `oauth-${slug || "client"}-${hash("sha256", grantId, "hex").slice(0, 10)}`;
}

/** The verbs that make, show and revoke tokens. */
import { createToken, type NewToken, readTokens, revokeToken, type StoredToken } from "./tokens.ts";

/** What to print for `token create`: the secret is shown this once. */
export function tokenCreated(file: string, token: NewToken, json: boolean): string {
  const secret = createToken(file, token);
  const stored = readTokens(file).find(({ name }) => name === token.name) as StoredToken;
  if (json) return `${JSON.stringify({ ...shown(stored), secret }, undefined, 2)}\n`;
  return `${secret}\n\nToken "${token.name}": ${described(stored)}. The line above is its secret and is not shown again.\n`;
}

/** What to print for `token list`. */
export function tokenList(file: string, json: boolean): string {
  const tokens = readTokens(file);
  if (json) return `${JSON.stringify(tokens.map(shown), undefined, 2)}\n`;
  if (tokens.length === 0) return `No tokens in ${file}.\n`;
  const width = Math.max(...tokens.map(({ name }) => name.length));
  return tokens.map((token) => `${token.name.padEnd(width)}  ${described(token)}\n`).join("");
}

/** What to print for `token revoke`. */
export function tokenRevoked(file: string, name: string): string {
  revokeToken(file, name);
  return `Token "${name}" is revoked; it counts at once.\n`;
}

function shown({ sha256: _, ...token }: StoredToken): object {
  return { ...token, expired: isExpired(token) };
}

function described(token: Omit<StoredToken, "sha256">): string {
  const projects = token.projects === "all" ? "all projects" : token.projects.join(", ");
  const until = token.expires ? `${isExpired(token) ? "expired" : "until"} ${token.expires}` : "";
  const owner = token.owner ? `of ${token.owner.email}` : "";
  const only = token.only ? `for ${token.only} alone` : "";
  const client = token.client ? `by ${token.client}` : "";
  return [`${token.scopes.join(", ")} in ${projects}`, owner, client, only, until]
    .filter(Boolean)
    .join("; ");
}

function isExpired({ expires }: { expires?: string | undefined }): boolean {
  return expires !== undefined && Date.parse(expires) <= Date.now();
}

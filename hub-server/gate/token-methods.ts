/** What a token allows on files over WebDAV. */
import type { Caller, Scope } from "../../mcp-server/src/access/caller.ts";

/** What each method takes; MOVE takes the file away from where it was. */
const needed: Readonly<Record<string, readonly Scope[]>> = {
  GET: ["read"],
  HEAD: ["read"],
  OPTIONS: ["read"],
  PROPFIND: ["read"],
  PUT: ["write"],
  PATCH: ["write"],
  MKCOL: ["write"],
  PROPPATCH: ["write"],
  LOCK: ["write"],
  UNLOCK: ["write"],
  COPY: ["read", "write"],
  MOVE: ["write", "delete"],
  DELETE: ["delete"],
};

/**
 * Whether the token's owner may make this call. Tokens for single projects may not: which project a path means is the file
 * manager's to say, not the gate's.
 */
export function mayUseFiles({ scopes, projects }: Caller, method: string): boolean {
  const takes = needed[method];
  return projects === "all" && takes !== undefined && takes.every((scope) => scopes.has(scope));
}

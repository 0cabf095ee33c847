/** Whether somebody may hold a token: asked when one is made, and again as long as it lives. */
import { type Access, mayPass, type Role } from "../../hub/access.ts";
import type { Scope } from "../../mcp-server/src/access/caller.ts";

/** What a person may hand on. Code inside the chat server is no person's to give away. */
export const personalScopes: Readonly<Record<Role, readonly Scope[]>> = {
  reader: ["read"],
  member: ["read", "write", "delete"],
  admin: ["read", "write", "delete"],
};

/** What a scope comes down to at the door of the files. */
const methods: Readonly<Partial<Record<Scope, string>>> = {
  read: "GET",
  write: "PUT",
  delete: "DELETE",
};

export interface HeldToken {
  scopes: readonly Scope[];
  projects: readonly string[] | "all";
  /** Set on the token of a program that was let in. */
  client?: string | undefined;
  /** Of no use at the tools. */
  only?: "files" | undefined;
}

/**
 * What a token opens must be its owner's to open: files and tools, or files alone where it is made for them. That of a program, or
 * for single projects, is of use at the tools alone.
 */
export function mayHoldToken(access: Access, role: Role | undefined, token: HeldToken): boolean {
  if (role === undefined) return false;
  if (!token.scopes.every((scope) => personalScopes[role].includes(scope))) return false;
  if (mayPass(access, "tools", role, "POST")) return true;
  if (token.only !== "files" || token.client !== undefined || token.projects !== "all")
    return false;
  return token.scopes.every((scope) => {
    const method = methods[scope];
    return method !== undefined && mayPass(access, "files", role, method);
  });
}

/** Who calls, and what the token that was shown allows. */

export const scopes = ["read", "write", "delete", "self-modify"] as const;

/** `self-modify`: create code that runs inside the chat server. */
export type Scope = (typeof scopes)[number];

export interface Caller {
  /** Name of the token, never its secret. */
  token: string;
  scopes: ReadonlySet<Scope>;
  /** Projects the token reaches; "all" reaches the workspace's root too. */
  projects: readonly string[] | "all";
  /**
   * Who is behind the call: labels for history and audit, never rights. The user is the token's owner, or who the client says
   * where the token has none.
   */
  user?: string;
  chat?: string;
  message?: string;
}

/** What each role may see and do at the hub's own pages: all of it is decided here. */
import { type Access, mayPass, type Role } from "../../hub/access.ts";
import type { Scope } from "../../mcp-server/src/access/caller.ts";
import type { HubStatus } from "../status/hub-status.ts";
import { mayHoldToken, personalScopes } from "../tokens/may-hold-token.ts";

export interface Rights {
  files: boolean;
  code: boolean;
  /** What tokens of one's own may allow; none: no token can be made. */
  tokenScopes: readonly Scope[];
  /** What those are good for: files and tools, or files alone. */
  tokensOnly: "files" | undefined;
  /** The host, its rollouts and updates. */
  hostDetails: boolean;
  /** Tokens and calls of others. */
  others: boolean;
}

export function rightsOf(access: Access, role: Role): Rights {
  const isAdmin = role === "admin";
  const only = mayPass(access, "tools", role, "POST") ? undefined : "files";
  return {
    files: mayPass(access, "files", role, "GET"),
    code: mayPass(access, "code", role, "GET"),
    tokenScopes: personalScopes[role].filter((scope) =>
      mayHoldToken(access, role, { scopes: [scope], projects: "all", only }),
    ),
    tokensOnly: only,
    hostDetails: isAdmin,
    others: isAdmin,
  };
}

/** The status as far as it is somebody's business. */
export function statusFor({ hostDetails }: Rights, status: HubStatus): HubStatus {
  if (hostDetails) return status;
  return {
    ...status,
    services: status.services.map((service) => ({ ...service, restarts: null, memory: null })),
    volume: null,
    disk: null,
    memory: null,
    load: null,
    keeping: null,
    releases: [],
    updates: null,
    alarms: [],
  };
}

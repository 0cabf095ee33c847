/** Who looks at the hub's pages, in nginx's words. */
import type { IncomingHttpHeaders } from "node:http";
import { type Role, roles } from "../../hub/access.ts";

export interface Visitor {
  /** As the chat numbers its users. */
  id: string;
  email: string;
  name: string;
  role: Role;
}

/** Undefined when nginx has not said who it is: then it is nobody. */
export function visitorOf(headers: IncomingHttpHeaders): Visitor | undefined {
  const id = decoded(headers["x-hub-id"]);
  const email = decoded(headers["x-hub-user"]);
  const name = decoded(headers["x-hub-name"]) ?? email;
  const role = roles.find((known) => known === headers["x-hub-role"]);
  return id && email && name && role ? { id, email, name, role } : undefined;
}

function decoded(header: string | string[] | undefined): string | undefined {
  if (typeof header !== "string" || header === "") return undefined;
  try {
    return decodeURIComponent(header);
  } catch {
    return undefined;
  }
}

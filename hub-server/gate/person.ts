/** Somebody who is signed in to the chat. */
import type { Role } from "../../hub/access.ts";

export interface Person {
  /** As the chat numbers its users: stays when the e-mail address changes. */
  id: string;
  email: string;
  name: string;
  /** Undefined: the account waits to be let in by an administrator. */
  role: Role | undefined;
}

/**
 * The person of a user record of the chat; undefined when it is none.
 * @param readers e-mail addresses in lower case of members who may only look; "*" for all
 */
export function personOf(record: unknown, readers: ReadonlySet<string>): Person | undefined {
  const { id, email, name, role } = (record ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || id === "" || typeof email !== "string") return undefined;
  return {
    id,
    email,
    name: typeof name === "string" && name !== "" ? name : email,
    role: roleOf(role, email, readers),
  };
}

function roleOf(role: unknown, email: string, readers: ReadonlySet<string>): Role | undefined {
  if (role === "admin") return "admin";
  // Any other word, also one that a later version of the chat may bring, opens nothing.
  if (role !== "user") return undefined;
  return readers.has("*") || readers.has(email.toLowerCase()) ? "reader" : "member";
}

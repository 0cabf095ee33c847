/** What of a program's registration (RFC 7591) is taken. A server may put in place of a wish what it supports, and says so. */
import { errors } from "oidc-provider";

/** All else is dropped: some of it would have this server fetch addresses. */
const taken = ["client_name", "client_uri", "redirect_uris", "software_id", "software_version"];

export const grantTypes = ["authorization_code", "refresh_token"];

/** @throws InvalidClientMetadata when it is no registration */
export function registrationOf(wish: unknown): Record<string, unknown> {
  if (typeof wish !== "object" || wish === null || Array.isArray(wish))
    throw new errors.InvalidClientMetadata("a registration is a JSON object");
  const given = wish as Record<string, unknown>;
  return {
    ...Object.fromEntries(taken.filter((name) => name in given).map((name) => [name, given[name]])),
    ...publicClient,
  };
}

/** All programs are public clients: none can keep a secret from the one who runs it, PKCE binds the code to who asked. */
export const publicClient = {
  // The kind whose redirect addresses are https, a scheme of its own, or loopback with any port.
  application_type: "native",
  token_endpoint_auth_method: "none",
  grant_types: grantTypes,
  response_types: ["code"],
} as const;

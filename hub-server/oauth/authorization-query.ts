/** An authorization request, cut down to what this server has: OAuth, without what OpenID Connect adds. */
import { grantableScopes } from "./granted-tokens.ts";

const taken = new Set([
  "client_id",
  "redirect_uri",
  "response_type",
  "response_mode",
  "state",
  "code_challenge",
  "code_challenge_method",
  "resource",
]);

/** The same request with the scopes that there are, all of them when none is named; refused is later what is not taken. */
export function authorizationQuery(query: URLSearchParams): URLSearchParams {
  // Given twice stays twice: that is for the library to refuse.
  const kept = new URLSearchParams([...query].filter(([name]) => taken.has(name)));
  const asked = new Set(query.getAll("scope").flatMap((scopes) => scopes.split(" ")));
  const known = grantableScopes.filter((scope) => asked.has(scope));
  kept.set("scope", (known.length > 0 ? known : grantableScopes).join(" "));
  // Nobody is let in without a look at the consent page, and whoever asks for that must hear so.
  if (query.getAll("prompt").includes("none")) kept.set("prompt", "none");
  return kept;
}

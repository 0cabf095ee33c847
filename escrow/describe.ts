/** What an escrow holds, in words, without any of its secrets. */
import type { EscrowContents } from "./contents.ts";

export function describeContents(contents: EscrowContents): string[] {
  const { settings, secrets, copy } = contents;
  const given = Object.keys(secrets);
  return [
    `the hub ${contents.url} (stack ${contents.stack}), as of ${contents.made}`,
    `its ${Object.keys(settings).length} settings${given.length > 0 ? ` and the secrets among them: ${given.join(", ")}` : ""}`,
    "the passwords that it made for itself: administrator, MCP token, chat sessions, database, cache, backups",
    `where the backups are and what opens them: ${contents.repository.location}`,
    ...(copy ? [`the same for their second copy: ${copy.location}`] : []),
    ...(contents.signingKey ? ["the public key that its drill records are signed by"] : []),
  ];
}

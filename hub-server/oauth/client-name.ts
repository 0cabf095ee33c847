/** What a program is called, as far as it can be shown: one line, of sensible length. */

/** Characters. */
const LONGEST = 60;

export function clientName(name: string | undefined, clientId: string): string {
  const shown = (name ?? "")
    // Control characters, and those that turn the direction of what follows or show as nothing.
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .trim();
  if (shown !== "") return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 1)}…` : shown;
  return documentHost(clientId) ?? "A program without a name";
}

/** Host of the address that a client's id is, when it is one. */
export function documentHost(clientId: string): string | undefined {
  const url = URL.parse(clientId);
  return url?.protocol === "https:" ? url.host : undefined;
}

/** The names that a server is reached by. */

const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** Whether only this machine reaches a server that listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

/** A host as it is spelled in a URL. */
export function spelled(host: string): string {
  return host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host;
}

/** Names by which a server is called, for the check of the Host header. */
export function namesOf(allowedHosts: readonly string[] = []): string[] {
  return [...loopback, ...allowedHosts.map((name) => name.replace(/:\d+$/, "").toLowerCase())];
}

import type { ServerResponse } from "node:http";

/** Nothing but the hub's own files, run by nobody else's page. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** For every answer of the home page: what is shown is one person's, and changes. */
export const commonHeaders = {
  "Content-Security-Policy": contentSecurityPolicy,
  "Cache-Control": "no-store",
  Vary: "Cookie",
};

/** A body is left out by Node where HEAD was asked. */
export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answerText(response, status, "application/json", `${JSON.stringify(value)}\n`);
}

export function answerText(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
): void {
  response.writeHead(status, {
    ...commonHeaders,
    "Content-Type": `${type}; charset=utf-8`,
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}

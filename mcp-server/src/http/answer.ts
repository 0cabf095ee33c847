/** An answer in JSON that no cache keeps. */
import type { ServerResponse } from "node:http";

/** Says nothing to a client that has gone. */
export function answer(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
  });
  response.end(text);
}

/** Says that too much came, and after how many seconds it may come again. */
export function refuse(response: ServerResponse, seconds: number, why: string): undefined {
  response.setHeader("Retry-After", seconds);
  const message = `${why} Try again in ${seconds} s.`;
  answer(response, 429, { jsonrpc: "2.0", error: { code: -32000, message }, id: null });
  return undefined;
}

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

/** The body of a request: read whole, up to a limit. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** Bytes, or why there are none. */
export type Body = Buffer | "too large" | "cut off";

export function readBody(request: IncomingMessage, most: number): Promise<Body> {
  return new Promise((resolve) => {
    if (Number(request.headers["content-length"]) > most) {
      resolve("too large");
      return;
    }
    let size = 0;
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > most) {
        request.pause();
        resolve("too large");
      } else if (first === undefined) first = chunk;
      else if (more === undefined) more = [first, chunk];
      else more.push(chunk);
    });
    // Without an end the connection was cut.
    request.on("close", () => resolve("cut off"));
    request.on("end", () => resolve(more ? Buffer.concat(more, size) : (first ?? Buffer.alloc(0))));
    request.on("error", () => resolve("cut off"));
  });
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The JSON value, or undefined when the bytes are no JSON in UTF-8: nothing is guessed, since it may be written to a file. */
export function parseBody(body: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(utf8.decode(body)) };
  } catch {
    return undefined;
  }
}

/** The request with its body put back, for a reader that wants a stream. */
export function replayed(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { method, url, headers } = request;
  return Object.assign(Readable.from(body.length > 0 ? [body] : []), {
    method,
    url,
    headers,
    auth: (request as { auth?: unknown }).auth,
  }) as unknown as IncomingMessage;
}

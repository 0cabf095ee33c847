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
    let body: Buffer = Buffer.alloc(0);
    request.on("data", (chunk: Buffer) => {
      const end = size + chunk.length;
      if (end > most) {
        request.pause();
        resolve("too large");
        return;
      }
      // Copied together: kept apart, a byte that came alone would cost hundreds.
      if (size === 0) body = chunk;
      else {
        if (end > body.length) body = grown(body, Math.max(end, Math.min(2 * body.length, most)));
        chunk.copy(body, size);
      }
      size = end;
    });
    // Without an end the connection was cut.
    request.on("close", () => resolve("cut off"));
    request.on("end", () => resolve(body.subarray(0, size)));
    request.on("error", () => resolve("cut off"));
  });
}

function grown(body: Buffer, size: number): Buffer {
  const larger = Buffer.allocUnsafe(size);
  body.copy(larger);
  return larger;
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

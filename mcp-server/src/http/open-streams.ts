/** Streams that stay open until one side has enough of them. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Streams of one token that stay open. */
export const MOST_STREAMS = 100;
/** How soon a stream ends whose token was revoked, milliseconds. */
const STREAM_CHECK = 10_000;

export class OpenStreams {
  readonly #open = new Map<ServerResponse, { request: IncomingMessage; token: string }>();
  readonly #check: NodeJS.Timeout;

  /** @param isAllowed whether who opened the stream may still have it */
  constructor(isAllowed: (request: IncomingMessage) => boolean) {
    this.#check = setInterval(() => {
      for (const [response, { request }] of this.#open) if (!isAllowed(request)) response.end();
    }, STREAM_CHECK).unref();
  }

  /** Counts one more of a token; false, and not counted: the token has as many as it may. */
  add(request: IncomingMessage, response: ServerResponse, token: string): boolean {
    const others = [...this.#open.values()].filter((one) => one.token === token);
    if (others.length >= MOST_STREAMS) return false;
    this.#open.set(response, { request, token });
    response.on("close", () => this.#open.delete(response));
    // Ended while the server stops, it may still be written to.
    response.on("error", () => {});
    return true;
  }

  /** Ends what would otherwise never end. */
  end(): void {
    for (const response of this.#open.keys()) response.end();
  }

  /** Looks no more after revoked tokens. */
  close(): void {
    clearInterval(this.#check);
  }
}

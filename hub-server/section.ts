/** A part of the hub's server: what it answers, and how it ends. */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Section {
  /** Path that it answers, or with a slash at its end the start of those, like "/hub/". */
  prefix: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> | void;
  /** Ends what it streams, which would keep the server from closing. */
  drain?(): void;
  /** When nobody asks any more. */
  close?(): Promise<void> | void;
}

/** Tells open pages when the status changes, as server-sent events. */
import type { ServerResponse } from "node:http";
import type { HubStatus } from "../status/hub-status.ts";
import { commonHeaders } from "./answer.ts";
import { Refusal } from "./refusal.ts";

export interface EventTimes {
  /** Milliseconds between two looks at the status. Default 2,000. */
  look?: number;
  /** Between two signs of life. Default 20,000. */
  heartbeat?: number;
  /** After which a stream ends. Default 60,000. */
  life?: number;
}

interface Listener {
  response: ServerResponse;
  person: string;
  view: (status: HubStatus) => HubStatus;
  last: string;
}

/** Streams at a time, of one person and of all. */
const MOST_EACH = 10;
const MOST = 200;
/** Bytes that may wait for one that does not read. */
const MOST_WAITING = 1024 * 1024;

export class StatusEvents {
  readonly #read: () => Promise<HubStatus>;
  readonly #times: Required<EventTimes>;
  readonly #listeners = new Set<Listener>();
  #looking: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(read: () => Promise<HubStatus>, times: EventTimes = {}) {
    this.#read = read;
    this.#times = { look: 2_000, heartbeat: 20_000, life: 60_000, ...times };
  }

  /**
   * Tells one page, at once and at every change of what `view` leaves of the status.
   * @throws Refusal when too many listen already
   */
  async add(
    response: ServerResponse,
    person: string,
    view: (status: HubStatus) => HubStatus,
  ): Promise<void> {
    const own = [...this.#listeners].filter((listener) => listener.person === person);
    if (this.#closed || own.length >= MOST_EACH || this.#listeners.size >= MOST)
      throw new Refusal(503, "Too many pages listen at the moment.");
    const listener: Listener = { response, person, view, last: "" };
    this.#listeners.add(listener);
    const beat = setInterval(() => response.write(": here\n\n"), this.#times.heartbeat);
    // nginx asks the gate once for each stream: it ends, and the page comes back through the gate.
    const life = setTimeout(() => response.end(), this.#times.life);
    response.on("close", () => {
      clearInterval(beat);
      clearTimeout(life);
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        clearInterval(this.#looking);
        this.#looking = undefined;
      }
    });
    response.on("error", () => response.destroy());
    response.writeHead(200, { ...commonHeaders, "Content-Type": "text/event-stream" });
    response.write("retry: 1000\n\n");
    this.#looking ??= setInterval(() => void this.#look(), this.#times.look);
    await this.#look(listener);
  }

  close(): void {
    this.#closed = true;
    for (const { response } of this.#listeners) response.end();
  }

  async #look(only?: Listener): Promise<void> {
    const status = await this.#read();
    for (const listener of only ? [only] : this.#listeners) {
      const { response } = listener;
      const text = JSON.stringify(listener.view(status));
      if (text === listener.last || response.writableEnded) continue;
      listener.last = text;
      response.write(`event: status\ndata: ${text}\n\n`);
      if (response.writableLength > MOST_WAITING) response.destroy();
    }
  }
}

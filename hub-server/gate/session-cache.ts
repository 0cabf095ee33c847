/** Remembers for seconds whose session a cookie is, so that a page of a thousand files asks the chat once. */
import { hash } from "node:crypto";
import type { Person } from "./person.ts";

export interface SessionSource {
  whose(token: string): Promise<Person | undefined>;
}

export interface SessionTimes {
  /** Milliseconds for which an answer is new; older ones are asked for again while they still count. */
  fresh: number;
  /** Milliseconds after which an answer counts no more: as long a sign-out or a change of role may go unnoticed. */
  most: number;
}

interface Remembered {
  person: Promise<Person | undefined>;
  /** When it was asked: the answer may be old when it comes. Milliseconds, as performance.now() counts. */
  asked: number;
  /** Milliseconds from then. */
  counts: number;
  renewing: boolean;
}

/** Cookies beyond which the oldest is forgotten: more are made up by somebody. */
const MOST = 5_000;
/** A made-up cookie is not worth remembering longer, and one just signed in must not wait. */
const STRANGER_MS = 1_000;

export class SessionCache {
  readonly #source: SessionSource;
  readonly #times: SessionTimes;
  readonly #now: () => number;
  readonly #sessions = new Map<string, Remembered>();

  constructor(
    source: SessionSource,
    times: SessionTimes,
    now: () => number = () => performance.now(),
  ) {
    this.#source = source;
    this.#times = times;
    this.#now = now;
  }

  /** As the source answers, or has answered not long ago. What failed is asked again by the next. */
  async whose(token: string): Promise<Person | undefined> {
    // By digest: a dump of this process's memory shall not sign anybody in for the next four weeks.
    const key = hash("sha256", token, "base64");
    const known = this.#sessions.get(key);
    const age = known ? this.#now() - known.asked : 0;
    if (!known || age >= known.counts) return this.#ask(key, token).person;
    if (age >= this.#times.fresh && !known.renewing) {
      known.renewing = true;
      // A slow chat holds nobody up, and what it cannot say now does not undo what it said.
      this.#ask(key, token, known).person.catch(() => {});
    }
    return known.person;
  }

  /** Forgets everybody. */
  clear(): void {
    this.#sessions.clear();
  }

  /** @param before what counts until the answer is there */
  #ask(key: string, token: string, before?: Remembered): Remembered {
    const asked: Remembered = {
      person: this.#source.whose(token),
      asked: this.#now(),
      counts: this.#times.most,
      renewing: false,
    };
    if (!before) this.#keep(key, asked);
    asked.person.then(
      (person) => {
        if (person === undefined) asked.counts = Math.min(asked.counts, STRANGER_MS);
        if (before && this.#sessions.get(key) === before) this.#keep(key, asked);
      },
      () => {
        if (before) before.renewing = false;
        else if (this.#sessions.get(key) === asked) this.#sessions.delete(key);
      },
    );
    return asked;
  }

  #keep(key: string, session: Remembered): void {
    this.#sessions.delete(key);
    const [oldest] = this.#sessions.size < MOST ? [] : this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(key, session);
  }
}

/** Remembers for seconds whose session a cookie is, so that a page of a thousand files asks the chat once. */
import { hash } from "node:crypto";
import type { Person } from "./person.ts";

export interface SessionSource {
  whose(token: string): Promise<Person | undefined>;
}

interface Remembered {
  person: Promise<Person | undefined>;
  /** Milliseconds, as performance.now() counts. */
  until: number;
}

/** Cookies beyond which the oldest is forgotten: more are made up by somebody. */
const MOST = 5_000;
/** A made-up cookie is not worth remembering longer, and one just signed in must not wait. */
const STRANGER_MS = 1_000;

export class SessionCache {
  readonly #source: SessionSource;
  readonly #milliseconds: number;
  readonly #now: () => number;
  readonly #sessions = new Map<string, Remembered>();

  /** `milliseconds`: how long a sign-out or a change of role may go unnoticed. */
  constructor(
    source: SessionSource,
    milliseconds: number,
    now: () => number = () => performance.now(),
  ) {
    this.#source = source;
    this.#milliseconds = milliseconds;
    this.#now = now;
  }

  /** As the source answers, or has answered not long ago. What failed is asked again by the next. */
  async whose(token: string): Promise<Person | undefined> {
    // By digest: a dump of this process's memory shall not sign anybody in for the next four weeks.
    const key = hash("sha256", token, "base64");
    const known = this.#sessions.get(key);
    if (known && known.until > this.#now()) return known.person;
    this.#sessions.delete(key);
    const [oldest] = this.#sessions.size < MOST ? [] : this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
    // Counted from the question on: the answer may be old when it comes.
    const asked: Remembered = {
      person: this.#source.whose(token),
      until: this.#now() + this.#milliseconds,
    };
    this.#sessions.set(key, asked);
    try {
      const person = await asked.person;
      if (person === undefined) asked.until = Math.min(asked.until, this.#now() + STRANGER_MS);
      return person;
    } catch (error) {
      if (this.#sessions.get(key) === asked) this.#sessions.delete(key);
      throw error;
    }
  }

  /** Forgets everybody. */
  clear(): void {
    this.#sessions.clear();
  }
}

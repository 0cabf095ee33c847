/** How often somebody may come. */

interface Bucket {
  tokens: number;
  /** Milliseconds, as performance.now() counts. */
  filled: number;
}

/** Keys beyond which the oldest is forgotten: more are made up by somebody. */
const MOST_KEYS = 10_000;

/** A bucket for each key that holds `burst` and refills by `perSecond`. */
export class RateLimit {
  readonly #perMillisecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(perSecond: number, burst: number, now: () => number = () => performance.now()) {
    this.#perMillisecond = perSecond / 1000;
    this.#burst = burst;
    this.#now = now;
  }

  /** Takes one if there is one. Returns 0, or the whole seconds until there is one. */
  take(key: string): number {
    const bucket = this.#bucket(key);
    if (bucket.tokens < 1) return this.#seconds(bucket);
    bucket.tokens -= 1;
    return 0;
  }

  /** What `take` would return, without taking. */
  wait(key: string): number {
    if (!this.#buckets.has(key)) return 0;
    const bucket = this.#bucket(key);
    return bucket.tokens < 1 ? this.#seconds(bucket) : 0;
  }

  #bucket(key: string): Bucket {
    const now = this.#now();
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      const [oldest] = this.#buckets.size < MOST_KEYS ? [] : this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
      const fresh = { tokens: this.#burst, filled: now };
      this.#buckets.set(key, fresh);
      return fresh;
    }
    bucket.tokens = Math.min(
      this.#burst,
      bucket.tokens + (now - bucket.filled) * this.#perMillisecond,
    );
    bucket.filled = now;
    return bucket;
  }

  #seconds(bucket: Bucket): number {
    return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perMillisecond / 1000));
  }
}

/**
 * Failed logins by address: 20 at once, then one a second. An address over that gets no further guesses, but a token that
 * came in from it before still does: one wrongly set-up client does not shut out the others behind the same proxy.
 */
export class FailedLogins {
  readonly #failed: RateLimit;
  readonly #admitted = new Map<string, Set<string>>();

  constructor(now?: () => number) {
    this.#failed = new RateLimit(1, 20, now);
  }

  /** A wrong secret came. Returns 0, or the seconds that the address has to wait. */
  failed(address: string): number {
    return this.#failed.take(address);
  }

  /** A right one came. Returns 0, or the seconds that the address has to wait. */
  came(address: string, token: string): number {
    const admitted = this.#admitted.get(address);
    if (admitted?.has(token)) return 0;
    const wait = this.#failed.wait(address);
    if (wait > 0) return wait;
    if (admitted) admitted.add(token);
    else {
      if (this.#admitted.size >= MOST_KEYS) this.#admitted.clear();
      this.#admitted.set(address, new Set([token]));
    }
    return 0;
  }
}

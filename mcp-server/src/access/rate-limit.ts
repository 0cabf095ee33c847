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

  /** Takes more for something that was let in already; what is not there is owed. */
  owe(key: string, amount: number): void {
    this.#bucket(key).tokens -= amount;
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
    // The one that was used longest ago is the first to be forgotten.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #seconds(bucket: Bucket): number {
    return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perMillisecond / 1000));
  }
}

/**
 * Failed logins by address: 20 at once, then one a second. Only guesses are held up: many clients come from the address of the
 * proxy before the server, and one that is wrongly set up must not shut out the others.
 */
export class FailedLogins {
  readonly #failed: RateLimit;

  constructor(now?: () => number) {
    this.#failed = new RateLimit(1, 20, now);
  }

  /** A wrong secret came. Returns 0, or the seconds that the address has to wait. */
  failed(address: string): number {
    return this.#failed.take(address);
  }
}

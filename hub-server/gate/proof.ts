/** Whether the chat turns strangers away. Until it has been seen to, and as soon as it does not, its word counts for nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { StrangersLetIn } from "./chat-session.ts";

export interface Prover {
  /** Throws when a stranger is let in, or nobody can tell. */
  refusesStrangers(): Promise<void>;
}

export interface ProofTimes {
  /** Milliseconds between two looks while all is well. Default 15,000. */
  every?: number;
  /** Milliseconds between two looks while it is not. Default 1,000. */
  again?: number;
}

export class Proof {
  readonly #prover: Prover;
  readonly #times: Required<ProofTimes>;
  readonly #stopped = new AbortController();
  readonly #lost: () => void;
  #doubt: string | undefined = "the chat has not yet been seen to turn a stranger away";

  /** `lost` is called when a stranger was let in: what was learnt before is no longer to be believed either. */
  constructor(prover: Prover, lost: () => void, times: ProofTimes = {}) {
    this.#prover = prover;
    this.#lost = lost;
    this.#times = { every: times.every ?? 15_000, again: times.again ?? 1_000 };
  }

  /** Why there is no proof; undefined when there is. */
  get doubt(): string | undefined {
    return this.#doubt;
  }

  /** Looks once. */
  async look(): Promise<void> {
    let doubt: string | undefined;
    try {
      await this.#prover.refusesStrangers();
    } catch (error) {
      doubt = (error as Error).message;
      if (error instanceof StrangersLetIn) this.#lost();
    }
    if (doubt !== this.#doubt)
      process.stderr.write(
        doubt === undefined
          ? "gate: the chat turns strangers away; serving\n"
          : `gate: nobody new passes: ${doubt}\n`,
      );
    this.#doubt = doubt;
  }

  /** Looks again and again until stopped. */
  async watch(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.look();
      const pause = this.#doubt === undefined ? this.#times.every : this.#times.again;
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  stop(): void {
    this.#stopped.abort();
  }
}

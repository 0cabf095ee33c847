/** Keeps rollouts away while a restore has stopped what they would start. */
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { holdLock } from "../held-lock.ts";
import { ROOT } from "../place.ts";

/** A rollout may have images to fetch. */
const PATIENCE_SECONDS = 3600;

export class RolloutLock {
  #release: (() => Promise<void>) | undefined;

  /** Waits for a rollout that goes on. It dies with this process. @throws UserError */
  async hold(): Promise<void> {
    this.#release ??= await holdLock(join(ROOT, "lock"), PATIENCE_SECONDS);
    if (this.#release) return;
    throw new UserError(
      "A rollout goes on and does not end.\n  fix: wait for it to end, then aihub-recovery resume on the host goes on",
    );
  }

  async release(): Promise<void> {
    const release = this.#release;
    this.#release = undefined;
    await release?.();
  }
}

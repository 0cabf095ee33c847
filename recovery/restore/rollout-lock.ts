/** Keeps rollouts away while a restore has stopped what they would start. */
import { once } from "node:events";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { UserError } from "../../hub/user-error.ts";
import { ROOT } from "../place.ts";
import { start } from "../run.ts";

/** Seconds; a rollout may have images to fetch. */
const PATIENCE = 3600;

export class RolloutLock {
  #release: (() => Promise<void>) | undefined;

  /** Waits for a rollout that goes on. It dies with this process. @throws UserError */
  async hold(): Promise<void> {
    if (this.#release) return;
    const open = new PassThrough();
    const holder = start(
      "flock",
      ["--wait", String(PATIENCE), join(ROOT, "lock"), "sh", "-c", "echo held; exec cat"],
      { input: open },
    );
    const held = await Promise.race([
      once(holder.stdout, "data").then(() => true),
      holder.ended.then(
        () => false,
        () => false,
      ),
    ]);
    if (!held) {
      throw new UserError(
        "A rollout goes on and does not end.\n  fix: wait for it to end, then aihub-recovery resume on the host goes on",
      );
    }
    holder.stdout.resume();
    this.#release = async () => {
      open.end();
      await holder.ended;
    };
  }

  async release(): Promise<void> {
    const release = this.#release;
    this.#release = undefined;
    await release?.();
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../resource.ts";
import type { Api } from "./api.ts";

/** The real provider looks every 10 seconds, and then every 3; here nothing is won by that. */
const LOOK_MS = { first: 50, factor: 1.5, most: 1000 };

/**
 * Looks until `look` has an answer.
 * `signal` left out: the wait is finished even when the engine asks to stop.
 */
export async function waitFor<Answer>(
  what: string,
  seconds: number,
  look: () => Promise<Answer | undefined>,
  signal?: AbortSignal,
): Promise<Answer> {
  const until = performance.now() + seconds * 1000;
  let wait = LOOK_MS.first;
  for (;;) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (performance.now() > until)
      throw new Error(`timeout while waiting for ${what} (${seconds} s)`);
    await sleep(wait, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    wait = Math.min(wait * LOOK_MS.factor, LOOK_MS.most);
  }
}

export interface Action {
  id: number;
  status: "in-progress" | "completed" | "errored";
  type: string;
  completed_at: string | null;
}

const ACTION_SECONDS = 20 * 60;

/** Waits for an action of a droplet, a volume or a reserved IP. */
export async function waitForAction(
  api: Api,
  { id, type }: Action,
  { signal, timeoutSeconds }: Pick<Operation, "signal" | "timeoutSeconds">,
): Promise<void> {
  await waitFor(
    `action ${type} (${id}) to complete`,
    timeoutSeconds ?? ACTION_SECONDS,
    async () => {
      const { action } = await api.get<{ action: Action }>(`/v2/actions/${id}`);
      if (action.status === "errored") throw new Error(`action ${type} (${id}) errored`);
      return action.completed_at ? true : undefined;
    },
    signal,
  );
}

/** The rollouts that this volume has seen: `releases.jsonl`, written by templates/host/record-release.sh. */
import { z } from "zod";

const rollout = z.object({
  /** ISO time. */
  time: z.string(),
  digest: z.string(),
  outcome: z.enum(["taken", "refused"]),
  /** Why it was refused, in short; "" when it was taken. */
  reason: z.string(),
  /** Address it came from; "" when nobody knows. */
  from: z.string(),
});

export type Rollout = z.infer<typeof rollout>;

/** The newest first; lines that are none are left out. Default at most 20. */
export function rolloutsOf(text: string, most = 20): Rollout[] {
  const rollouts: Rollout[] = [];
  for (const line of text.split("\n").reverse()) {
    if (rollouts.length === most) break;
    try {
      const { data } = rollout.safeParse(JSON.parse(line));
      if (data) rollouts.push(data);
    } catch {
      // Half a line, or the last and empty one.
    }
  }
  return rollouts;
}

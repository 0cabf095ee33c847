/** How everything is, before it is changed. */
import { UserError } from "../../hub/user-error.ts";
import type { OpenHub } from "../open-hub.ts";
import { takeRecorded } from "../point/take-recorded.ts";
import type { Progress } from "../progress.ts";

/** @returns the snapshot's id @throws UserError when there is none: nothing is overwritten then */
export async function takeSafetyPoint(hub: OpenHub, progress: Progress): Promise<string> {
  progress.note("A recovery point of the present");
  try {
    const taken = await takeRecorded(hub, "before-restore", progress);
    progress.note(`  ${taken.point.name} (${taken.snapshot.slice(0, 8)})`);
    return taken.snapshot;
  } catch (error) {
    const [why, ...fix] = (error as Error).message.split("\n");
    throw new UserError(
      [
        `No recovery point of the present can be taken, so nothing is overwritten: ${why}`,
        ...fix,
        "  or, without a way back: --without-safety-copy",
      ].join("\n"),
    );
  }
}

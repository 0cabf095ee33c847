import { UserError } from "../../hub/user-error.ts";
import { openHub } from "../open-hub.ts";
import { reasons } from "../point/point.ts";
import { resumeFirst } from "../point/resume-first.ts";
import { takeRecorded } from "../point/take-recorded.ts";
import { progress } from "../progress.ts";
import { sweepSetAside } from "../restore/set-aside.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const point: RecoveryVerb = {
  summary: "takes a recovery point (--reason manual)",
  options: { reason: { type: "string" } },
  lockSeconds: 3600,
  async run(values) {
    const wanted = values.reason ?? "manual";
    const reason = reasons.find((known) => known === wanted);
    if (!reason) {
      throw new UserError(`"${wanted}" is no reason for a point; known: ${reasons.join(", ")}`);
    }
    await resumeFirst(progress);
    await sweepSetAside();
    const taken = await takeRecorded(await openHub(), reason, progress);
    answer(
      taken,
      `Recovery point ${taken.point.name} (${taken.snapshot.slice(0, 8)}): ${taken.bytesStored} bytes new of ${taken.bytesRead}, ${taken.seconds.toFixed(1)} s\n`,
      values.json === true,
    );
    return 0;
  },
};

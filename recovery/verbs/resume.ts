import { operationKinds } from "../operations.ts";
import { progress } from "../progress.ts";
import { resume as resumeUnfinished } from "../resume.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const resume: RecoveryVerb = {
  summary: "ends what a kill left unfinished",
  lockSeconds: 3600,
  async run(values) {
    const ended = await resumeUnfinished(operationKinds, progress);
    answer(
      ended ?? null,
      ended ? `Ended the ${ended.kind} ${ended.id}\n` : "Nothing was unfinished\n",
      values.json === true,
    );
    return 0;
  },
};

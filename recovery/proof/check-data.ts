/** Reads the part of the repository's data that is due, so that all of it was read within a week. */
import { recall, remember } from "../memory.ts";
import { record } from "../report.ts";
import type { Repository } from "../repository/restic.ts";
import { checkDueParts, type Rotation } from "./rotation.ts";

/** @returns whether what was read is whole */
export async function checkData(repository: Repository): Promise<boolean> {
  const now = new Date();
  const { problem, checked } = await checkDueParts(
    repository,
    await recall<Rotation>("rotation"),
    now,
    async (rotation) => {
      await remember("rotation", rotation);
      await record((state) => {
        state.lastCheck = now.toISOString();
      });
    },
  );
  await record((state) => {
    if (problem) state.checkProblem = { time: now.toISOString(), what: problem.what };
    else if (checked.length > 0) delete state.checkProblem;
  });
  return problem === undefined;
}

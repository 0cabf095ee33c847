/** Reads the part of a repository's data that is due, so that all of it was read within a week. */
import { recall, remember } from "../memory.ts";
import { record } from "../report.ts";
import type { Repository } from "../repository/restic.ts";
import { checkDueParts, type Rotation } from "./rotation.ts";

/** @returns whether what was read is whole */
export async function checkData(
  repository: Repository,
  of: "repository" | "copy" = "repository",
): Promise<boolean> {
  const now = new Date();
  const name = of === "copy" ? "rotation-of-copy" : "rotation";
  const told = of === "copy" ? "copyCheckProblem" : "checkProblem";
  const { problem, checked } = await checkDueParts(
    repository,
    await recall<Rotation>(name),
    now,
    async (rotation) => {
      await remember(name, rotation);
      await record((state) => {
        if (of === "repository") state.lastCheck = now.toISOString();
      });
    },
  );
  await record((state) => {
    if (problem) state[told] = { time: now.toISOString(), what: problem.what };
    else if (checked.length > 0) delete state[told];
  });
  return problem === undefined;
}

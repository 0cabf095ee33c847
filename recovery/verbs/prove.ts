import { openHub } from "../open-hub.ts";
import { progress } from "../progress.ts";
import { proveRecorded } from "../proof/prove-recorded.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const prove: RecoveryVerb = {
  summary: "reads the newest recovery point back and says whether it is good",
  lockSeconds: 3600,
  async run(values) {
    const proof = await proveRecorded(await openHub());
    for (const note of proof.notes) progress.note(note);
    answer(
      proof,
      proof.good
        ? `${proof.point} is good: ${Object.values(proof.rows).reduce((sum, rows) => sum + rows, 0)} rows, ${proof.bytes} bytes, read in ${proof.readSeconds} s\n`
        : proof.problems
            .map(({ what, where, fix }) => `✘ ${what} (${where})\n  fix: ${fix}\n`)
            .join(""),
      values.json === true,
    );
    return proof.good ? 0 : 1;
  },
};

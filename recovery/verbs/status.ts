import { record } from "../report.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const status: RecoveryVerb = {
  summary: "says how it stands with the recovery points",
  async run(values) {
    const state = await record(() => {});
    answer(
      state,
      [
        `last point  ${state.lastPoint ? `${state.lastPoint.time} ${state.lastPoint.name}` : "none yet"}`,
        `last proof  ${state.lastGoodProof ?? "none yet"}`,
        `last drill  ${state.lastGoodDrill ?? "none yet"}`,
        `escrow      ${state.escrow ? `${state.escrow.time}${state.escrow.fits ? "" : ", of other keys"}` : "none yet"}`,
        "",
      ].join("\n"),
      values.json === true,
    );
    return 0;
  },
};

import { hubRepository } from "../open-repository.ts";
import { POINT_TAG } from "../repository/retention-policy.ts";
import { readSecrets } from "../settings.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const points: RecoveryVerb = {
  summary: "lists the recovery points, the newest last",
  async run(values) {
    const repository = await hubRepository(await readSecrets());
    const snapshots = await repository.snapshots({ tags: [POINT_TAG] });
    const list = snapshots.map(({ id, time, tags }) => ({
      id: id.slice(0, 8),
      time,
      reason: tags.find((tag) => tag.startsWith("reason:"))?.slice("reason:".length) ?? "",
    }));
    answer(
      list,
      list
        .map(({ id, time, reason }) => `${id}  ${time.slice(0, 19).replace("T", " ")}  ${reason}\n`)
        .join("") || "no recovery point yet\n",
      values.json === true,
    );
    return 0;
  },
};

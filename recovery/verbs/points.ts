import { hubRepository } from "../open-repository.ts";
import { POINT_TAG } from "../repository/retention-policy.ts";
import { readSecrets } from "../settings.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const points: RecoveryVerb = {
  summary: "lists the recovery points, the newest last",
  async run(values) {
    const repository = await hubRepository(await readSecrets());
    const snapshots = await repository.snapshots({ tags: [POINT_TAG] });
    const list = snapshots.map(({ id, time, tags }) => {
      const told = (what: string) =>
        tags.find((tag) => tag.startsWith(`${what}:`))?.slice(what.length + 1) ?? "";
      return { id: id.slice(0, 8), time, reason: told("reason"), name: told("point") };
    });
    answer(
      list,
      list
        .map(
          ({ id, time, reason, name }) =>
            `${id}  ${time.slice(0, 19).replace("T", " ")}  ${name || reason}\n`,
        )
        .join("") || "no recovery point yet\n",
      values.json === true,
    );
    return 0;
  },
};

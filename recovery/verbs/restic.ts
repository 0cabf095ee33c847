/** For what the hub does not do by itself, such as mending a repository that is damaged. */
import { mkdir } from "node:fs/promises";
import { UserError } from "../../hub/user-error.ts";
import { copyRepository, hubRepository } from "../open-repository.ts";
import { DAMAGED_PACKS } from "../place.ts";
import { readSecrets } from "../settings.ts";
import type { RecoveryVerb } from "./verb.ts";

export const restic: RecoveryVerb = {
  summary:
    "runs restic with the hub's keys: restic -- repair index; with --copy on the second copy",
  options: { copy: { type: "boolean" } },
  lockSeconds: 3600,
  async run({ copy }, args) {
    if (args.length === 0) {
      throw new UserError(
        "restic is given nothing to do.\n  fix: aihub-recovery restic -- snapshots, or what else it is to do",
      );
    }
    const secrets = await readSecrets();
    const repository = copy ? await copyRepository(secrets) : await hubRepository(secrets);
    if (!repository) throw new UserError("There is no second copy: backup.copyTo is not set.");
    await mkdir(DAMAGED_PACKS, { recursive: true, mode: 0o700 });
    return repository.handOver(args, DAMAGED_PACKS);
  },
};

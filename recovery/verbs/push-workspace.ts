import { UserError } from "../../hub/user-error.ts";
import { pushedText, pushHubWorkspace } from "../git/push-hub-workspace.ts";
import { progress } from "../progress.ts";
import { readSecrets, readSettings } from "../settings.ts";
import { answer, type RecoveryVerb } from "./verb.ts";

export const pushWorkspace: RecoveryVerb = {
  summary: "pushes the workspace to its git repository",
  lockSeconds: 3600,
  async run(values) {
    const pushed = await pushHubWorkspace(await readSettings(), await readSecrets(), progress);
    if (pushed === undefined) {
      throw new UserError(
        "The workspace has no git repository.\n  fix: npm run hub -- config set backup.gitUrl git@github.com:team/workspace.git, then npm start; docs/recovery.md says what else it needs",
      );
    }
    answer(pushed, pushedText(pushed), values.json === true);
    return 0;
  },
};

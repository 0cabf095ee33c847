import { passThrough, withHost } from "./host.ts";
import { recoveryCommand, requireRecovery } from "./recovery-command.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "points",
  summary: "Lists the recovery points, the newest last",
  options: { json: { type: "boolean", help: "print JSON and nothing else" } },
  run: (values) =>
    withHost(values, async (host) => {
      await requireRecovery(host);
      return passThrough(host, recoveryCommand(["points", ...(values.json ? ["--json"] : [])]));
    }),
});

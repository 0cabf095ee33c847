import { passThrough, withHost } from "./host.ts";
import { recoveryCommand, requireRecovery } from "./recovery-command.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "point",
  summary: "Takes a recovery point now: the whole hub, into the backups",
  options: { json: { type: "boolean", help: "print JSON and nothing else" } },
  run: (values) =>
    withHost(values, async (host) => {
      await requireRecovery(host);
      return passThrough(host, recoveryCommand(["point", ...(values.json ? ["--json"] : [])]));
    }),
});

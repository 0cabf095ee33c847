import { describeHub } from "../../hub/hub.ts";
import { lineProgress, silent } from "../progress.ts";
import { requireVolume } from "./data-volume.ts";
import { requireNotBehind } from "./deployed-host.ts";
import { openStack } from "./stack.ts";
import { runOperation } from "./update.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "preview",
  summary: "Shows what up would change, and changes nothing",
  options: {
    "expect-no-changes": { type: "boolean", help: "fail when anything would change" },
    json: { type: "boolean", help: "print the change summary as JSON" },
    refresh: { type: "boolean", help: "look at what is really there before comparing" },
    "real-providers": {
      type: "boolean",
      help: "rehearse with Pulumi's own plugins; needs their download",
    },
  },
  async run(values) {
    const open = await openStack(values, values.json ? quiet() : undefined);
    try {
      const { settings } = describeHub(await open.config());
      await requireNotBehind(open, settings.hostGeneration);
      if (values.refresh !== true) await requireVolume(open);
      const lines = await runOperation(open, (options) =>
        open.stack.preview({ ...options, refresh: values.refresh === true }),
      );
      if (values.json) {
        process.stdout.write(`${JSON.stringify(lines.changes)}\n`);
      } else {
        for (const line of lines.planned) process.stdout.write(`  ${line}\n`);
        process.stdout.write(
          lines.changed === 0 ? "Nothing would change.\n" : `${lines.changed} would change.\n`,
        );
      }
      if (values["expect-no-changes"] && lines.changed > 0) {
        process.stderr.write(`✘ ${lines.changed} would change, none expected\n`);
        return 1;
      }
      return 0;
    } finally {
      await open.close();
    }
  },
});

/** Steps still show on standard error when a person watches; a pipe gets nothing but errors. */
function quiet() {
  return process.stderr.isTTY ? lineProgress() : silent;
}

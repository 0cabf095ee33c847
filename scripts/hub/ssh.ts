import { silent } from "../progress.ts";
import { openHost } from "./host.ts";
import { openStack } from "./stack.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "ssh",
  summary: "Opens a shell on the hub's host, or runs one command there",
  arguments: "[-- COMMAND]",
  async run(values, command) {
    const open = await openStack(values, silent, "engine");
    try {
      const host = await openHost(open);
      try {
        if (command.length === 0) return await host.interactive();
        const { code } = await host.run(command.join(" "), {
          stdout: (chunk) => process.stdout.write(chunk),
          stderr: (chunk) => process.stderr.write(chunk),
        });
        return code;
      } finally {
        host.close();
      }
    } finally {
      await open.close();
    }
  },
});

import { passThrough, withHost } from "./host.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "ssh",
  summary: "Opens a shell on the hub's host, or runs one command there",
  arguments: "[-- COMMAND]",
  async run(values, command) {
    return withHost(values, (host) =>
      command.length === 0 ? host.interactive() : passThrough(host, command.join(" ")),
    );
  },
});

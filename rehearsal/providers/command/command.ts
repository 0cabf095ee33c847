import commandPackage from "@pulumi/command/package.json" with { type: "json" };
import type { Provider } from "../resource.ts";
import { copyToRemote } from "./copy-to-remote.ts";
import { remoteCommand } from "./remote-command.ts";

export function commandProvider(): Provider {
  return {
    name: "command",
    version: commandPackage.version,
    configKeys: [],
    resources: [remoteCommand, copyToRemote],
    functions: [],
  };
}

/** The stack's configuration as the program sees it. */
import * as pulumi from "@pulumi/pulumi";
import { type Config, parseConfig } from "./parse.ts";

const NAMESPACE = "aihub:";

/** @throws UserError listing each wrong, missing or unknown setting */
export function loadConfig(): Config {
  const raw: Record<string, string> = {};
  for (const [key, value] of Object.entries(pulumi.runtime.allConfig())) {
    if (key.startsWith(NAMESPACE)) raw[key.slice(NAMESPACE.length)] = value;
  }
  return parseConfig(raw);
}

import randomPackage from "@pulumi/random/package.json" with { type: "json" };
import type { Provider } from "../resource.ts";
import { randomBytes } from "./random-bytes.ts";
import { randomPassword } from "./random-password.ts";
import { randomString } from "./random-string.ts";

export function randomProvider(): Provider {
  return {
    name: "random",
    version: randomPackage.version,
    configKeys: [],
    resources: [randomPassword, randomString, randomBytes],
    functions: [],
  };
}

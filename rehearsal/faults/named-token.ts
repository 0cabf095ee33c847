import { randomBytes } from "node:crypto";
import { hubOk } from "../scenarios/hub.ts";

/** A token that may read and write, as a person makes one for a program. */
export async function namedToken(): Promise<{ secret: string; revoke(): Promise<void> }> {
  const name = `faults-${randomBytes(4).toString("hex")}`;
  const { stdout } = await hubOk(["token", "create", name, "--scopes", "read,write"]);
  return {
    secret: stdout.trim().split("\n")[0] ?? "",
    async revoke() {
      await hubOk(["token", "revoke", name]);
    },
  };
}

/** Two instances may not share their loopback addresses, which follow from their names. */
import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "../hub/user-error.ts";
import { currentInstance, type Instance, namePattern } from "./instance.ts";
import { runningCloud } from "./running-cloud.ts";

/** @throws UserError when another instance that runs has the addresses of this one */
export async function requireOwnAddresses({ name, block, stateDir }: Instance): Promise<void> {
  for (const other of await readdir(dirname(stateDir))) {
    if (other === name || !namePattern.test(other)) continue;
    const instance = currentInstance(other);
    if (instance.block !== block || !(await runningCloud(instance))) continue;
    throw new UserError(
      `The rehearsal "${name}" would have the addresses of "${other}", which runs: 127.${block}.*.*\n` +
        `  fix: give it another name by AIHUB_INSTANCE, or remove that one: AIHUB_INSTANCE=${other} npm run hub -- destroy --purge`,
    );
  }
}
